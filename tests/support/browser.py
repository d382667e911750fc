"""An open tab of headless Chromium, and what it did."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect, sync_playwright

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 60_000


@dataclass(slots=True)
class Browser:
    """An open tab, and what it did."""

    page: Page
    hosts: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)

    def note(self, url: str) -> None:
        """Remember which host an address asks; data: and blob: ask nobody."""
        if host := urlsplit(url).netloc:
            self.hosts.add(host)

    def expect_no_error_box(self) -> None:
        """Nothing on the page has failed."""
        for box in ("stException", "stAlertContentError"):
            expect(self.page.get_by_test_id(box)).to_have_count(0)


@pytest.fixture
def browser() -> Iterator[Browser]:
    if _CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=_CHROMIUM, args=_ARGUMENTS)
        page = chromium.new_page(timezone_id="Asia/Tokyo")
        page.set_default_timeout(PATIENCE_MS)
        tab = Browser(page)
        page.on("request", lambda request: tab.note(request.url))
        page.on("websocket", lambda socket: tab.note(socket.url))
        page.on("pageerror", lambda error: tab.errors.append(str(error)))
        page.on("dialog", lambda dialog: tab.errors.append(dialog.message))
        yield tab
        chromium.close()
