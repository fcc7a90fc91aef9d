"""What a person sees who opens a notebook in JupyterLab and runs all of it."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

RUN_S = 60.0
"""Seconds that a notebook may take. Each takes about five to ten on two cores."""

IS_OPEN = """() => {
  const panel = window.jupyterapp?.shell.currentWidget;
  return panel?.context?.isReady && panel.sessionContext?.session?.kernel?.status === "idle";
}"""

HAS_STARTED = """() => {
  const cell = window.jupyterapp.shell.currentWidget.content.widgets.find(cell => cell.model.type === "code");
  return cell.model.executionCount !== null;
}"""
"""The first cell of each notebook starts the sandbox."""

IS_DONE = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const cells = panel.content.widgets.filter(cell => cell.model.type === "code");
  return cells.some(cell => cell.model.outputs.toJSON().some(output => output.output_type === "error"))
    || panel.sessionContext.session.kernel.status === "idle"
    && cells.every(cell => cell.model.executionCount !== null);
}"""
"""Also when a cell has failed, for the rest is not run then."""

CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .filter(cell => cell.model.type === "code")
  .map(cell => ({count: cell.model.executionCount, outputs: cell.model.outputs.toJSON()}))"""

DISPLAYS = """async () => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const seen = [];
  for (const [index, cell] of notebook.widgets.entries()) {
    if (!cell.outputArea || !JSON.stringify(cell.model.outputs.toJSON()).includes('"emu ')) continue;
    await notebook.scrollToItem(index, "center");
    for (const display of cell.node.querySelectorAll(".emu")) {
      while (!display.checkVisibility({contentVisibilityAuto: true}))
        await new Promise(requestAnimationFrame);
      const pictures = [...display.querySelectorAll("img")];
      await Promise.all(pictures.map(picture => picture.decode()));
      seen.push({
        cell: index,
        title: display.querySelector(".emu-head")?.textContent.trim() ?? "",
        ground: getComputedStyle(display).backgroundColor,
        json: [...display.querySelectorAll("pre")].map(block => getComputedStyle(block).backgroundColor),
        overflow: display.scrollWidth - display.clientWidth,
        pictures: pictures.map(picture => [picture.naturalWidth, picture.getBoundingClientRect().width]),
        filters: pictures.map(picture => getComputedStyle(picture).filter),
      });
    }
  }
  return seen;
}"""
"""Scrolls to each display as a reader does; `decode` refuses a picture that cannot be drawn."""

SHOW = """async (index) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  await notebook.scrollToItem(index, "start");
  const display = notebook.widgets[index].node.querySelector(".emu");
  const isSeen = () => {
    const box = display.getBoundingClientRect();
    return display.checkVisibility({contentVisibilityAuto: true}) && box.top < innerHeight && box.bottom > 0;
  };
  do await new Promise(requestAnimationFrame); while (!isSeen());
}"""

GROUND = """() => getComputedStyle(document.querySelector(".jp-NotebookPanel-notebook")).backgroundColor"""
"""The colour of JupyterLab's own page."""


HAS_THEME = """theme => document.body.dataset.jpThemeName === theme
  && !document.getElementById("jupyterlab-splash")"""
"""The curtain that JupyterLab draws before its page meanwhile is away too."""


def change_theme(page: Page, name: str) -> None:
    """Do what the menu's Settings, Theme does, and wait until the page has it."""
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", name)
    page.wait_for_function(HAS_THEME, arg=name)


def open_and_run(page: Page, lab: Any, notebook: str) -> list[dict[str, Any]]:
    """Open a notebook and run all of its cells by the menu; returns them."""
    page.goto(lab.page_of(notebook))
    page.wait_for_function(IS_OPEN)
    for item in ("Run", "Run All Cells"):
        page.get_by_role("menuitem", name=item, exact=True).click()
    page.wait_for_function(HAS_STARTED, timeout=RUN_S * 1000)
    assert errors_of(page.evaluate(CELLS)) == []
    assert len(lab.look()) > 3, "the kernel, the emulator, the back end and what runs functions were seen"
    page.wait_for_function(IS_DONE, timeout=RUN_S * 1000)
    cells: list[dict[str, Any]] = page.evaluate(CELLS)
    return cells


def errors_of(cells: list[dict[str, Any]]) -> list[str]:
    """Return what failed in cells."""
    outputs = (output for cell in cells for output in cell["outputs"])
    return [f"{it['ename']}: {it['evalue']}" for it in outputs if it["output_type"] == "error"]


def photograph(page: Page, seen: list[dict[str, Any]], folder: Path, name: str) -> None:
    """Keep a picture of each display, for whoever wants to look at them."""
    for display in seen:
        page.evaluate(SHOW, display["cell"])
        page.screenshot(path=folder / f"{name}-{display['cell']:02}.png")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("01_connect", ["Sandbox", "What happened"]),
        ("03_async", ["sleep COMPLETED", "What happened"]),
    ],
    ids=["connect", "async"],
)
def test_a_notebook_runs_to_its_end_and_shows_its_displays(
    lab: Any, page: Page, tmp_path: Path, name: str, shown: list[str]
) -> None:
    """Run All Cells reaches the last one without an error; displays are drawn and follow the theme."""
    cells = open_and_run(page, lab, f"{name}.ipynb")
    assert errors_of(cells) == []
    assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))

    light = page.evaluate(DISPLAYS)
    titles = [re.sub(r"\s+", " ", display["title"]) for display in light]
    assert [part for part in shown if not any(title.startswith(part) for title in titles)] == []
    pictures = [picture for display in light for picture in display["pictures"]]
    assert pictures
    assert all(natural > 0 and width > 0 for natural, width in pictures)
    assert all(display["overflow"] <= 0 for display in light), "a wide display scrolls within itself"
    assert {display["ground"] for display in light} == {page.evaluate(GROUND)}
    assert {value for display in light for value in display["filters"]} == {"none"}
    photograph(page, light, tmp_path, "light")

    change_theme(page, "JupyterLab Dark")
    dark = page.evaluate(DISPLAYS)
    assert [display["title"] for display in dark] == [display["title"] for display in light]
    assert {display["ground"] for display in dark} == {page.evaluate(GROUND)}
    assert {display["ground"] for display in dark}.isdisjoint({display["ground"] for display in light})
    assert all("invert" in value for display in dark for value in display["filters"])
    photograph(page, dark, tmp_path, "dark")
    change_theme(page, "JupyterLab Light")


def test_committed_outputs_are_shown_in_their_style(lab: Any, page: Page) -> None:
    """Who has the script open the notebooks sees the outputs that they came with as they were meant."""
    page.goto(lab.page_of("committed/01_connect.ipynb"))
    page.wait_for_function(IS_OPEN)
    displays = page.evaluate(DISPLAYS)
    assert any(display["pictures"] for display in displays)
    assert {display["ground"] for display in displays} == {page.evaluate(GROUND)}
    assert page.evaluate(GROUND) not in {ground for display in displays for ground in display["json"]}
