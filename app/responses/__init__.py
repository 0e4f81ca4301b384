"""How an answer is chosen and sent: conditional requests, media types, archives, explanations of problems."""
