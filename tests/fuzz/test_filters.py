"""Filters from random texts, and random filters against an evaluator that is a transcript of the guide's logic."""

from __future__ import annotations

from random import Random

from hypothesis import given

from matahari.errors import FilterSyntaxError
from matahari.filters import And, Filter, Not, Or, Subject, Truth, format, parse
from tests.support import random_filters as make
from tests.support.fuzzing import BATCH, TIME_LIMIT, batches, seeds

pytestmark = TIME_LIMIT


def holds(filter: Filter, subject: Subject) -> Truth:
    """SQL's tables over the terms; of a term, what it says alone."""
    match filter.expression:
        case Not(part=part):
            inner = holds(Filter(part), subject)
            return None if inner is None else not inner
        case And(parts=parts):
            found = [holds(Filter(part), subject) for part in parts]
            return False if False in found else None if None in found else True
        case Or(parts=parts):
            found = [holds(Filter(part), subject) for part in parts]
            return True if True in found else None if None in found else False
    return filter.truth(subject)


@batches(0.6)
@given(seeds)
def test_any_text_is_a_filter_or_one_kind_of_error(random: Random) -> None:
    for _ in range(BATCH):
        text = make.filter_text(random)
        try:
            found = parse(text)
        except FilterSyntaxError as error:
            assert 0 <= error.position <= len(text), (text, error)
            continue
        assert parse(format(found)) == found, (text, found)
        assert format(parse(format(found))) == format(found), (text, found)


@batches(0.2)
@given(seeds)
def test_every_filter_is_written_and_read_as_the_same(random: Random) -> None:
    for _ in range(BATCH):
        found = Filter(make.expression(random))
        text = format(found)
        assert text.isprintable(), text
        assert parse(text) == found, text
        assert hash(parse(text)) == hash(found)


@batches(0.2)
@given(seeds)
def test_a_filter_means_what_the_guide_says(random: Random) -> None:
    for _ in range(BATCH):
        found, host = Filter(make.expression(random)), make.subject(random)
        truth = found.truth(host)
        assert truth is holds(found, host), (str(found), host)
        assert found.matches(host) is (truth is True)
        assert found.explain(host).truth is truth
        assert all(line.strip() for line in found.explain(host).lines())
        assert (~found).truth(host) is (None if truth is None else not truth)
