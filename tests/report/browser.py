"""Drives a headless Chromium over the DevTools protocol; the standard library is enough."""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE = 240  # seconds for any one answer: the machine may be busy with a build

FLAGS = [
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to run as root otherwise
    "--remote-debugging-pipe",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--use-angle=swiftshader",  # WebGL without a GPU
    "--enable-unsafe-swiftshader",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--hide-scrollbars",
]


def find_chromium():
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


class Browser:
    def __init__(self, program):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        requests, self.requests = (high(end) for end in os.pipe())
        self.replies, replies = (high(end) for end in os.pipe())

        def use_pipes():  # --remote-debugging-pipe reads requests from 3 and writes replies to 4
            os.dup2(requests, 3)
            os.dup2(replies, 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.profile.name}", "about:blank"],
            preexec_fn=use_pipes,
            close_fds=False,  # all but 0 to 4 close by themselves
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(requests)
        os.close(replies)
        self.unread = b""
        self.last_id = 0
        self.pages = {}  # session -> Page

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.requests)
        os.close(self.replies)
        self.profile.cleanup()

    def send(self, method, session, params):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.requests, json.dumps(message).encode() + b"\0")
        return self.last_id

    def call(self, method, session=None, **params):
        """Sends a command and returns its result; events that come meanwhile go to their pages."""
        request = self.send(method, session, params)
        deadline = time.monotonic() + PATIENCE
        while True:
            reply = self.receive(deadline)
            if reply.get("id") == request:
                if "error" in reply:
                    raise RuntimeError(f"{method}: {reply['error']}")
                return reply["result"]
            if "method" in reply and reply.get("sessionId") in self.pages:
                self.pages[reply["sessionId"]].notice(reply["method"], reply["params"])

    def receive(self, deadline):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.replies], [], [], max(0, deadline - time.monotonic()))
            received = os.read(self.replies, 1 << 20) if ready else b""
            if not received:
                raise RuntimeError("Chromium " + ("ended" if ready else "does not answer"))
            self.unread += received
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def open(self, url, width=1280, height=900, colour_scheme="light"):
        return Page(self, url, width, height, colour_scheme)


class Page:
    def __init__(self, browser, url, width, height, colour_scheme):
        self.browser = browser
        self.problems = []  # what the console shows as an error
        self.requested = []  # the addresses that anything asked for
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)
        self.session = attached["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        self.prefer(colour_scheme)
        error = self.call("Page.navigate", url=url).get("errorText")
        if error:
            raise RuntimeError(f"{url}: {error}")
        self.wait_for("document.readyState === 'complete' && location.href !== 'about:blank'")

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def notice(self, event, details):
        if event == "Runtime.exceptionThrown":
            self.problems.append(describe(details["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and details["type"] in ("error", "assert"):
            parts = [part.get("value", part.get("description")) for part in details["args"]]
            self.problems.append(" ".join(map(str, parts)))
        elif event == "Log.entryAdded" and details["entry"]["level"] == "error":
            self.problems.append(details["entry"]["text"])
        elif event == "Page.javascriptDialogOpening":
            self.problems.append(f"dialog: {details['message']}")
            self.browser.send("Page.handleJavaScriptDialog", self.session, {"accept": True})
        elif event == "Network.requestWillBeSent":
            self.requested.append(details["request"]["url"])

    def resize(self, width, height):
        size = {"width": width, "height": height}
        self.call("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=1, mobile=False)

    def prefer(self, colour_scheme):
        feature = {"name": "prefers-color-scheme", "value": colour_scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def evaluate(self, expression):
        """The value of a JavaScript expression; of a promise, what it resolves to."""
        how = {"returnByValue": True, "awaitPromise": True}
        reply = self.call("Runtime.evaluate", expression=expression, **how)
        if "exceptionDetails" in reply:
            raise RuntimeError(describe(reply["exceptionDetails"]))
        return reply["result"].get("value")

    def colours(self, selector):
        """How many colours an element shows on the screen."""
        box = self.evaluate(f"""(() => {{
            const node = document.querySelector({json.dumps(selector)});
            node.scrollIntoView({{block: 'center', behavior: 'instant'}});
            const {{x, y, width, height}} = node.getBoundingClientRect();
            return {{x: x + scrollX, y: y + scrollY, width, height, scale: 1}};
        }})()""")
        picture = self.call("Page.captureScreenshot", clip=box)["data"]
        return self.evaluate(f"""new Promise((resolve) => {{
            const image = new Image();
            image.onload = () => {{
                const {{width, height}} = image;
                const canvas = document.createElement('canvas');
                Object.assign(canvas, {{width, height}});
                const context = canvas.getContext('2d');
                context.drawImage(image, 0, 0);
                const {{data}} = context.getImageData(0, 0, width, height);
                resolve(new Set(new Uint32Array(data.buffer)).size);
            }};
            image.src = 'data:image/png;base64,{picture}';
        }})""")

    def wait_for(self, condition, patience=PATIENCE):
        """Waits until a JavaScript expression is true; returns whether it became true."""
        deadline = time.monotonic() + patience
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


def describe(exception):
    return exception.get("exception", {}).get("description", exception["text"])


def high(descriptor):
    """The same pipe end under a number that does not get in the way of 0 to 4."""
    duplicate = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return duplicate
