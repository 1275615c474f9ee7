"""The core system agents, one package each."""
