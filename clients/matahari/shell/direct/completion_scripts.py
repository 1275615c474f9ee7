"""The scripts of ``mhsh --completion``: they hand what is typed to ``mhsh --complete-words`` and offer what it says.

``mhsh`` is taken from the path, never what was typed: pressing Tab must not run a program from an untrusted directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["SCRIPTS"]

_BASH = r"""# Completion of mhsh for bash. In ~/.bashrc: source <(mhsh --completion bash)
_mhsh() {
    local -a told
    mapfile -t told < <(command mhsh --complete-words bash "$COMP_WORDBREAKS" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
    COMPREPLY=("${told[@]:1}")
    case ${told[0]} in
    files) compopt -o default ;;
    open) compopt -o nospace ;;
    esac
} 2>/dev/null
complete -F _mhsh mhsh
"""

_ZSH = r"""#compdef mhsh
# Completion of mhsh for zsh. As a file _mhsh in a directory of $fpath, or in ~/.zshrc behind compinit:
# source <(mhsh --completion zsh)
_mhsh() {
    local -a told
    told=("${(@f)$(command mhsh --complete-words zsh "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    local manner=$told[1]
    shift told
    case $manner in
    files)
        (( $#told )) && compadd -- "${told[@]}"
        _files
        ;;
    open) compadd -S '' -- "${told[@]}" ;;
    words) compadd -- "${told[@]}" ;;
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _mhsh "$@"
else
    compdef _mhsh mhsh
fi
"""

_FISH = r"""# Completion of mhsh for fish. As ~/.config/fish/completions/mhsh.fish, or: mhsh --completion fish | source
function __mhsh_words
    set -l typed (commandline -opc)
    set -e typed[1]
    set -l told (command mhsh --complete-words fish $typed (commandline -ct) 2>/dev/null)
    if test "$told[1]" = files
        __fish_complete_path (commandline -ct)
    end
    set -e told[1]
    for word in $told
        printf '%s\n' $word # echo takes -e and -n for options of its own
    end
end
complete -c mhsh -f -a '(__mhsh_words)'
"""

SCRIPTS: Final[Mapping[str, str]] = {"bash": _BASH, "fish": _FISH, "zsh": _ZSH}
