"""Scores of the shipped models by the serving chain: results, metrics, cards, pages."""
