"""Key templates: `REQUEST#{tenant_id}#{request_id}`. Pure: no I/O."""

from collections.abc import Mapping

from streamer.dynamorm.errors import DecodingFailed, EncodingFailed, InvalidModel
from streamer.dynamorm.frozen import dataclass

_ESCAPES = {"%": "%25", "#": "%23", "$": "%24"}


def encode_component(text: str) -> str:
    """Percent-encode what has a meaning in a key, so that no two tuples share one.

    `$` is encoded too, because it is the character after `#`: so components keep the order of their
    texts, and all keys behind a prefix lie between `prefix#` and `prefix$`.
    """
    if "%" in text or "#" in text or "$" in text:
        return text.translate(_TABLE)
    return text


_TABLE = str.maketrans(_ESCAPES)


def decode_component(text: str) -> str:
    """The inverse of `encode_component`."""
    if "%" not in text:
        return text
    return text.replace("%23", "#").replace("%24", "$").replace("%25", "%")


@dataclass(frozen=True, slots=True)
class Segment:
    """What stands between two `#` of a template.

    Attributes:
        text: constant text, or the component's name.
        width: digits to which an integer is padded with zeros, so that keys are in the order of numbers.
    """

    text: str
    is_component: bool
    width: int | None = None

    def written(self, value: object) -> str | None:
        """Return the text of a component, encoded; None: it cannot stand in a key."""
        if isinstance(value, int) and not isinstance(value, bool):
            text = int.__repr__(value)
            if self.width is not None:
                return None if value < 0 or len(text) > self.width else text.zfill(self.width)
            return text
        if not isinstance(value, str) or not value or self.width is not None:
            return None
        return encode_component(value)


class KeyTemplate:
    """How a key attribute is written from other attributes.

    Segments stand between `#`: constant text, or one component in braces, `{number}`, for an integer
    perhaps with the digits to which it is padded, `{number:012}`. Components are percent-encoded and may
    not be empty, so a key says exactly which components made it.

    Attributes:
        text: as declared.
        components: names in the order in which they stand.
        prefix: the constant text before the first component; all of it, if there is none.
    """

    __slots__ = ("_shape", "components", "prefix", "segments", "text")

    def __init__(self, text: str) -> None:
        """Read a template.

        Raises:
            InvalidModel: a component is no attribute's name, or shares its segment with other text.
        """
        if not text:
            raise InvalidModel("A key template is not empty: DynamoDB has no empty key.")
        self.text = text
        self.segments = tuple(_segment(segment, text) for segment in text.split("#"))
        self._shape = tuple((held.text, held.is_component, held.width) for held in self.segments)
        self.components = tuple(segment.text for segment in self.segments if segment.is_component)
        self.prefix = text.partition("{")[0]
        for name in self.components:
            if self.components.count(name) > 1:
                raise InvalidModel(f"The key template {text!r} names {name} twice; once says it all.")

    def __repr__(self) -> str:
        return f"KeyTemplate({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KeyTemplate) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def render(self, values: Mapping[str, object]) -> str:
        """Write the key.

        Raises:
            EncodingFailed: a component is missing, empty, or neither text nor integer.
        """
        pieces = []
        for text, is_component, width in self._shape:
            if not is_component:
                pieces.append(text)
                continue
            value = values.get(text)
            if type(value) is str and value and width is None:
                encoded = "%" in value or "#" in value or "$" in value
                pieces.append(encode_component(value) if encoded else value)
            else:
                pieces.append(self._written(Segment(text, is_component, width), values))
        return "#".join(pieces)

    def render_before(self, component: str, values: Mapping[str, object]) -> str:
        """Write the key up to a component: with the `#` before it, without itself.

        Raises:
            EncodingFailed: as `render` does.
        """
        before = ""
        for segment in self.segments:
            if segment.is_component and segment.text == component:
                return before
            before += self._written(segment, values) + "#"
        raise InvalidModel(f"The key template {self.text!r} has no {component}; name one of its components.")

    def render_last(self, prefix: str, value: str | int) -> str:
        """Write the key that ends with this value of its last component, behind what stands before it.

        Raises:
            EncodingFailed: the value cannot stand in the key.
        """
        last = self.segments[-1]
        return prefix + self._written(last, {last.text: value})

    def _written(self, segment: Segment, values: Mapping[str, object]) -> str:
        if not segment.is_component:
            return segment.text
        written = segment.written(values.get(segment.text))
        if written is None:
            needed = "a text that is not empty" if segment.width is None else f"{segment.width} digits"
            raise EncodingFailed(f"The key {self.text!r} needs {segment.text} as {needed}.")
        return written

    def parse(self, key: str) -> dict[str, str]:
        """Read the components back, the inverse of `render`.

        Raises:
            DecodingFailed: the key was not written by this template.
        """
        parts = key.split("#")
        if len(parts) == len(self.segments):
            pairs = list(zip(self.segments, parts, strict=True))
            if all(segment.is_component or segment.text == part for segment, part in pairs):
                return {
                    segment.text: decode_component(part) for segment, part in pairs if segment.is_component
                }
        raise DecodingFailed(f"The key {key!r} does not fit the template {self.text!r}.")

    def overlaps(self, other: "KeyTemplate") -> bool:
        """Whether some key could have been written by either of the two."""
        return len(self.segments) == len(other.segments) and all(
            one.is_component or two.is_component or one.text == two.text
            for one, two in zip(self.segments, other.segments, strict=True)
        )


def _segment(text: str, template: str) -> Segment:
    if "$" in text:
        raise InvalidModel(
            f"The key template {template!r} has a $, which marks the end of a prefix; leave it out."
        )
    if "{" not in text and "}" not in text:
        return Segment(text, is_component=False)
    name, colon, width = text[1:-1].partition(":")
    width = width.removesuffix("d")
    is_padded = bool(colon) and width.isdecimal() and width[0] == "0" and 1 <= int(width) <= 38
    if text != f"{{{text[1:-1]}}}" or not name.isidentifier() or bool(colon) != is_padded:
        raise InvalidModel(
            f"The key template {template!r} has the segment {text!r}; put each {{component}} alone between #"
            " signs, an integer perhaps with its digits, {number:012}."
        )
    return Segment(name, is_component=True, width=int(width) if colon else None)
