"""Key templates: `REQUEST#{tenant_id}#{request_id}`. Pure: no I/O."""

from collections.abc import Mapping

from streamer.dynamorm.errors import DecodingFailed, EncodingFailed, InvalidModel


def encode_component(text: str) -> str:
    """Percent-encode the two characters that have a meaning in a key, so that no two tuples share one."""
    if "%" in text or "#" in text:
        return text.replace("%", "%25").replace("#", "%23")
    return text


def decode_component(text: str) -> str:
    """The inverse of `encode_component`."""
    return text.replace("%23", "#").replace("%25", "%") if "%" in text else text


class KeyTemplate:
    """How a key attribute is written from other attributes.

    Segments stand between `#`: constant text, or one component in braces. Components are
    percent-encoded and may not be empty, so a key says exactly which components made it.

    Attributes:
        text: as declared.
        components: names in the order in which they stand.
        prefix: the constant text before the first component; all of it, if there is none.
    """

    __slots__ = ("_segments", "components", "prefix", "text")

    def __init__(self, text: str) -> None:
        """Read a template.

        Raises:
            InvalidModel: a component is no attribute's name, or shares its segment with other text.
        """
        segments: list[tuple[str, bool]] = []
        for segment in text.split("#"):
            name = segment[1:-1]
            is_component = segment == f"{{{name}}}" and name.isidentifier()
            if not is_component and ("{" in segment or "}" in segment):
                raise InvalidModel(
                    f"The key template {text!r} has the segment {segment!r}; put each {{component}} alone"
                    " between # signs."
                )
            segments.append((name if is_component else segment, is_component))
        if not text:
            raise InvalidModel("A key template is not empty: DynamoDB has no empty key.")
        self.text = text
        self.components = tuple(name for name, is_component in segments if is_component)
        self.prefix = text.partition("{")[0]
        self._segments = tuple(segments)

    def __repr__(self) -> str:
        return f"KeyTemplate({self.text!r})"

    def render(self, values: Mapping[str, object]) -> str:
        """Write the key.

        Raises:
            EncodingFailed: a component is missing, empty, or neither text nor integer.
        """
        pieces = []
        for text, is_component in self._segments:
            if not is_component:
                pieces.append(text)
                continue
            value = values.get(text)
            if isinstance(value, int) and not isinstance(value, bool):
                value = int.__repr__(value)
            if not isinstance(value, str) or not value:
                raise EncodingFailed(f"The key {self.text!r} needs {text} as a text that is not empty.")
            pieces.append(encode_component(value))
        return "#".join(pieces)

    def parse(self, key: str) -> dict[str, str]:
        """Read the components back, the inverse of `render`.

        Raises:
            DecodingFailed: the key was not written by this template.
        """
        parts = key.split("#")
        if len(parts) == len(self._segments):
            pairs = list(zip(self._segments, parts, strict=True))
            if all(is_component or text == part for (text, is_component), part in pairs):
                return {text: decode_component(part) for (text, is_component), part in pairs if is_component}
        raise DecodingFailed(f"The key {key!r} does not fit the template {self.text!r}.")
