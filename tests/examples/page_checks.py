"""What the tests ask of a page in a browser: the contrast of its texts, and where the focus is."""

from typing import Any

from tests.examples.chromium import Tab

# Every text with the colour it has and the colour that lies under it; the ratio is that of WCAG 2.2, 1.4.3.
CONTRAST = """
(() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const under = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const elements = new Set(document.querySelectorAll("input:not([type=hidden]), textarea"));
  while (walker.nextNode()) if (walker.currentNode.data.trim()) elements.add(walker.currentNode.parentElement);
  for (const element of elements) {
    const [a, b] = [parse(getComputedStyle(element).color), under(element)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, element.outerHTML.slice(0, 80)]);
  }
  return found;
})()
"""
# Where the focus is, and whether it is seen: an outline of its own with three to one against the page.
FOCUS = """
(() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  return {
    name: element.id || element.textContent.trim(), tag: element.tagName,
    outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    visible: element.getBoundingClientRect().top >= 0,
  };
})()
"""


async def focus(tab: Tab) -> dict[str, Any]:
    found: dict[str, Any] = await tab.evaluate(FOCUS)
    return found
