"""Evaluation of the served models on events with known truth: results, metrics, cards, and generated pages."""
