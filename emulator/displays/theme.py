"""The look of the displays: one style sheet, light and dark, for every place where a notebook is read.

Colours are JupyterLab's or Visual Studio Code's where the page has them. Elsewhere they follow the
reader's system; the displays paint their own ground, so that they are readable on any page.
"""

from typing import Any

from emulator.displays.markup import Markup, element

_COLOURS = (
    # name, of JupyterLab, of Visual Studio Code, light, dark
    ("ground", "--jp-layout-color0", "--vscode-editor-background", "#ffffff", "#0d1117"),
    ("text", "--jp-content-font-color1", "--vscode-editor-foreground", "#1f2328", "#e6edf3"),
    ("dim", "--jp-content-font-color2", "--vscode-descriptionForeground", "#59636e", "#9198a1"),
    ("rule", "--jp-border-color2", "--vscode-widget-border", "#d1d9e0", "#3d444d"),
    ("soft", "--jp-layout-color2", "--vscode-editorWidget-background", "#f3f5f7", "#161b22"),
    ("link", "--jp-content-link-color", "--vscode-textLink-foreground", "#0969da", "#4493f8"),
    ("brand", "--jp-brand-color1", "--vscode-charts-blue", "#0969da", "#4493f8"),
    ("good", "--jp-success-color1", "--vscode-charts-green", "#1a7f37", "#3fb950"),
    ("warn", "--jp-warn-color1", "--vscode-charts-orange", "#9a6700", "#d29922"),
    ("bad", "--jp-error-color1", "--vscode-charts-red", "#cf222e", "#f85149"),
)


def _colours(column: int) -> str:
    return "".join(
        f"--emu-{name}:var({lab},var({code},{(light, dark)[column]}));"
        for name, lab, code, light, dark in _COLOURS
    )


_RULES = """
.emu{background:var(--emu-ground);color:var(--emu-text);line-height:1.45;
 font:13px/1.45 var(--jp-content-font-family,system-ui,-apple-system,"Segoe UI",sans-serif);
 max-width:100%;box-sizing:border-box;padding:2px;overflow-wrap:anywhere}
.emu-head>*{min-width:0}
.emu *{box-sizing:border-box}
.emu.emu pre,.emu .emu-mono{
 font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,monospace);
 font-size:12px;color:inherit;background:none}
.emu a{color:var(--emu-link)}
.emu-card{border:1px solid var(--emu-rule);border-radius:6px;padding:10px 12px;margin:4px 0}
.emu-head{display:flex;flex-wrap:wrap;gap:4px 10px;align-items:baseline;margin-bottom:6px}
.emu-head b{font-size:14px}
.emu-dim{color:var(--emu-dim)}
.emu-good{color:var(--emu-good)}.emu-warn{color:var(--emu-warn)}.emu-bad{color:var(--emu-bad)}
.emu-brand{color:var(--emu-brand)}
.emu-state{border:1px solid currentColor;border-radius:10px;padding:0 8px;font-size:11px;font-weight:600;
 letter-spacing:.03em;white-space:nowrap}
.emu-part{margin:12px 0 4px;font-weight:600}
.emu-wide{overflow-x:auto;max-width:100%}
.emu .emu-table{border-collapse:collapse;margin:0;font-size:12px;table-layout:auto;width:auto}
.emu .emu-table th,.emu .emu-table td{text-align:left;vertical-align:top;padding:3px 14px 3px 4px;
 border:0;border-bottom:1px solid var(--emu-rule);color:var(--emu-text);background:none;white-space:normal}
.emu .emu-table th{color:var(--emu-dim);font-weight:600;white-space:nowrap}
.emu .emu-table td{white-space:nowrap}
.emu-cell{width:max-content;max-width:min(38ch,80vw);white-space:normal;overflow-wrap:anywhere}
.emu .emu-facts th,.emu .emu-facts td{border:0;padding:1px 14px 1px 0;font-size:13px}
.emu .emu-facts th{font-weight:400}.emu .emu-facts td{white-space:normal;overflow-wrap:anywhere}
.emu .emu-table .emu-number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.emu .emu-table tbody tr:hover td{background:var(--emu-soft)}
.emu .emu-table tr:last-child td{border-bottom:0}
.emu .emu-table tbody tr{background:none}
.emu summary{cursor:pointer;padding:1px 0}
.emu details details{margin-left:14px}
.emu details>summary:hover{background:var(--emu-soft)}
.emu.emu pre{margin:2px 0 6px;padding:8px 10px;border-radius:4px;background:var(--emu-soft);overflow:auto;
 max-height:340px;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.4}
.emu-bar{height:10px;border-radius:5px;background:var(--emu-soft);border:1px solid var(--emu-rule);
 overflow:hidden;flex:1 1 140px;max-width:520px;color:var(--emu-brand)}
.emu-bar div{height:100%;background:currentColor;border-radius:5px;transition:width .15s linear}
.emu-bar.emu-good{color:var(--emu-good)}.emu-bar.emu-bad{color:var(--emu-bad)}.emu-bar.emu-warn{color:var(--emu-warn)}
.emu-line{display:flex;flex-wrap:wrap;gap:2px 10px;align-items:center}
.emu-percent{font-variant-numeric:tabular-nums;min-width:3.6em;text-align:right;font-weight:600}
.emu-said{flex:2 1 160px;overflow-wrap:anywhere}
.emu-when{display:inline-block;min-width:6.5em;text-align:right;margin-right:10px;color:var(--emu-dim);
 font-variant-numeric:tabular-nums}
.emu-legend{font-size:11.5px;margin:2px 0 6px}
.emu img.emu-picture{display:block;max-width:100%;height:auto;margin:0}
@media (prefers-color-scheme:dark){.emu-picture{filter:invert(.93) hue-rotate(180deg)}}
[data-jp-theme-light="true"] .emu-picture,.vscode-light .emu-picture{filter:none}
[data-jp-theme-light="false"] .emu-picture,.vscode-dark .emu-picture{filter:invert(.93) hue-rotate(180deg)}
"""

STYLE = Markup(
    "<style>.emu{"
    + _colours(0)
    + "}@media (prefers-color-scheme:dark){.emu{"
    + _colours(1)
    + "}}"
    + _RULES.replace("\n", "")
    + "</style>"
)
"""Every display carries it, for each must stand alone: outputs are cleared and moved one by one."""


def display(*children: Any) -> str:
    """Return a whole display: the style sheet and the content. Dollars in it are no mathematics."""
    return str(element("div", STYLE, *children, class_="emu tex2jax_ignore mathjax_ignore"))


def head(*parts: Any) -> Markup:
    """Return a display's first line; the spaces are for pages that drop the style sheet."""
    spaced = [piece for part in parts if part is not None for piece in (part, " ")]
    return element("div", *spaced, class_="emu-head")
