"""The trace that an invocation belongs to, as its environment is told. Pure.

Source:
    Lambda Developer Guide, "Using the Lambda runtime API"; X-Ray Developer Guide, "Tracing header" (row H2).
"""


def complete_trace_header(header: str | None, *, now: float, digits: str) -> str:
    """Return a trace header with a root, a parent and whether it is sampled, `0` where nobody said.

    Args:
        header: what the caller gave: what is in it stays, keys that nobody knows among them.
        now: epoch seconds.
        digits: at least 40 random hexadecimal ones.
    """
    given = dict(part.strip().partition("=")[::2] for part in (header or "").split(";") if "=" in part)
    fields = {"Root": f"1-{int(now):08x}-{digits[:24]}", "Parent": digits[24:40], "Sampled": "0", **given}
    if fields["Sampled"] not in ("0", "1"):  # `?`: the caller leaves it to whoever comes next
        fields["Sampled"] = "0"
    return ";".join(f"{name}={value}" for name, value in fields.items())
