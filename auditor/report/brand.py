"""The look an establishment gives its report: a name, a logo and one accent colour, and nothing that could run or ask a network."""

from __future__ import annotations

import base64
import colorsys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from markupsafe import Markup

from auditor.config_report import Branding
from auditor.errors import ConfigError, os_reason

MAX_LOGO = 256 * 1024
"""Bytes of a logo: it is part of every report."""

CONTRAST = 4.5
"""Least contrast of text in the accent colour with its paper (WCAG 2.2, 1.4.3)."""

_PAPER, _DARK_PAPER = (255, 255, 255), (0x12, 0x19, 0x1C)
_Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Brand:
    """What of it goes into a report: `logo` is a data: address or empty, `style` a piece of style sheet or empty."""

    name: str = ""
    logo: str = ""
    style: str = ""


PLAIN = Brand()
"""The report's own look."""


def of(branding: Branding) -> Brand:
    """The look that audit.yaml asks for; ConfigError when the logo cannot be used.

    An accent colour too pale to be read on white paper is darkened until it can be, in the dark one too deep is lightened: its hue stays.
    """
    return Brand(branding.name, _logo(branding.logo) if branding.logo else "", _style(branding.accent) if branding.accent else "")


def _logo(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LOGO + 1)
    except OSError as error:
        raise ConfigError(
            f"audit.yaml: branding.logo: {path} cannot be read ({os_reason(error).en}); check the path.",
            fr=f"audit.yaml : branding.logo : {path} est illisible ({os_reason(error).fr}) ; vérifiez le chemin.",
        ) from error
    if len(data) > MAX_LOGO:
        raise ConfigError(
            f"audit.yaml: branding.logo: {path} is larger than 256 kB; make the picture smaller.",
            fr=f"audit.yaml : branding.logo : {path} dépasse 256 ko ; réduisez l’image.",
        )
    kind = _kind(data)
    if not kind:
        raise ConfigError(
            f"audit.yaml: branding.logo: {path} is not a whole PNG, JPEG or SVG picture; export it again in one of these formats.",
            fr=f"audit.yaml : branding.logo : {path} n’est pas une image PNG, JPEG ou SVG entière ; exportez-la à nouveau dans l’un de "
            "ces formats.",
        )
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _kind(data: bytes) -> str:
    """The media type of a picture by its content, empty when it is none of ours or cut short."""
    if data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") and data.endswith(b"IEND\xaeB`\x82"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff") and data.rstrip(b"\0").endswith(b"\xff\xd9"):
        return "image/jpeg"
    # Entities are how a small XML file becomes a large one.
    if b"<svg" in data and b"<!ENTITY" not in data:
        try:
            root = ET.fromstring(data)  # noqa: S314 - no entities, size capped, read for its first tag alone
        except (ET.ParseError, ValueError, LookupError):
            return ""
        return "image/svg+xml" if root.tag == "{http://www.w3.org/2000/svg}svg" else ""
    return ""


def _style(accent: str) -> str:
    """The accent colour and its tints, for light and for dark paper."""
    red, green, blue = bytes.fromhex(accent[1:])
    light, dark = _readable((red, green, blue), _PAPER), _readable((red, green, blue), _DARK_PAPER)
    tints = "".join(f"--{name}:color-mix(in srgb,var(--accent) {part}%,var(--paper));" for name, part in (("soft", 12), ("fill", 20)))
    return f":root{{--accent:{light};{tints}}}\n@media screen and (prefers-color-scheme:dark){{:root{{--accent:{dark};{tints}}}}}\n"


def _readable(colour: _Colour, paper: _Colour) -> str:
    """The colour, or the nearest of its hue and saturation that reads on the paper, as #rrggbb."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    step = -0.01 if _luminance(paper) > _luminance((128, 128, 128)) else 0.01
    while contrast(colour, paper) < CONTRAST:
        lightness = min(1.0, max(0.0, lightness + step))
        red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, saturation))
        colour = (red, green, blue)
    return "#" + bytes(colour).hex()


def contrast(one: _Colour, other: _Colour) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: _Colour) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    red, green, blue = (part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def picture(brand: Brand) -> Markup:
    """The logo as an image, which cannot run or ask for anything; it says nothing that the name beside it does not."""
    return Markup('<img class="logo" src="{}" alt="">').format(brand.logo) if brand.logo else Markup("")
