"""A plan: what would be done to make tables as they are declared. Pure: no I/O."""

from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.tables.steps import Step


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in the order in which they are done. `print(plan)` shows it to a person.

    Attributes:
        later: what cannot be done yet, a sentence each; a later plan has it.
    """

    steps: tuple[Step, ...] = ()
    later: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do now."""
        return bool(self.steps)

    def __add__(self, other: "Plan") -> "Plan":
        return Plan(self.steps + other.steps, self.later + other.later)

    @property
    def losses(self) -> tuple[Step, ...]:
        """Return the steps by which something is lost."""
        return tuple(step for step in self.steps if step.loss is not None)

    def __str__(self) -> str:
        if not self.steps and not self.later:
            return "Nothing to do: the tables are as they are declared."
        width = max((len(step.table.name) for step in self.steps), default=0)
        lines = [
            f"{'!' if step.loss else ' '} {position:>2}  {step.table.name:<{width}}  {step.sentence}"
            + (f" ({step.loss[0].upper()}{step.loss[1:]}.)" if step.loss else "")
            for position, step in enumerate(self.steps, 1)
        ]
        lines += [f"  later: {sentence}" for sentence in self.later]
        if self.losses:
            lines.append("A step marked ! takes something away; it is done only where losses are allowed.")
        return "\n".join(lines)
