"""A page, as tests look at it."""

import json
from collections import Counter
from html.parser import HTMLParser

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """What a browser would make of a page: its elements, its texts, its scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: set[str] = set()
        self.texts: list[str] = []
        self.scripts: list[tuple[str, str]] = []
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self._script: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.tags[tag] += 1
        self.attributes |= set(given)
        self.ids |= {given["id"]} if "id" in given else set()
        self.links += [given[name] for name in ("href", "src") if name in given]
        if tag == "script":
            self._script = given.get("type", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.texts.append(data)
        else:
            self.scripts.append((self._script, data))

    @property
    def charts(self) -> list[dict]:
        return [json.loads(text) for type, text in self.scripts if type == "application/json"]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())
