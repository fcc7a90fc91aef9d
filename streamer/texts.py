"""Texts that are cut to a length."""


def cut(text: str, most: int) -> str:
    """Return `text`, with an ellipsis for its end where it has more than `most` characters, at least 1."""
    return text if len(text) <= most else text[: most - 1] + "…"
