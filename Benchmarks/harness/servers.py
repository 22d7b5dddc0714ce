"""The servers: how each is built, started, awaited and stopped."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from . import machine

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(HERE, ".build", "peers")
VENV = os.path.join(HERE, ".venv")
FILES = os.path.join(BUILD, "files")
LOGS = os.path.join(HERE, "results", "logs")

running = []


class Unavailable(Exception):
    """This server cannot be measured here; the text says why."""


def path(*parts):
    return os.path.join(HERE, *parts)


def build(what, *command, cwd=HERE, timeout=1800):
    """Runs a build step; the end of its output goes into the reason when it fails."""
    print(f"  building {what} …", flush=True)
    try:
        done = subprocess.run(
            command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout
        )
    except FileNotFoundError:
        raise Unavailable(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"building {what} took longer than {timeout} s") from None
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-12:])
        print(tail, file=sys.stderr)
        raise Unavailable(f"building {what} failed")
    return done.stdout


swift_failures = {}


def swift_product(product, directory):
    """The path of a release build. What has failed once is not tried again by another variant of the server."""
    if product in swift_failures:
        raise Unavailable(swift_failures[product])
    try:
        build(product, "swift", "build", "-c", "release", "--product", product, cwd=directory)
    except Unavailable as error:
        swift_failures[product] = str(error)
        raise
    where = machine.output("swift", "build", "-c", "release", "--show-bin-path", cwd=directory)
    return os.path.join(where, product)


def swift_pins(directory, *wanted):
    """What a package of peers has been built with."""
    try:
        with open(os.path.join(directory, "Package.resolved")) as file:
            pins = json.load(file)["pins"]
    except (OSError, ValueError, KeyError):
        return ""
    return ", ".join(f"{p['identity']} {p['state']['version']}" for p in pins if p["identity"] in wanted)


def write_files():
    """What /static/ serves: bytes that no file system stores as less."""
    os.makedirs(FILES, exist_ok=True)
    for name, size in (("1k.bin", 1 << 10), ("1m.bin", 1 << 20)):
        with open(os.path.join(FILES, name), "wb") as file:
            file.write(os.urandom(size))


class Server:
    """One server program. `loops` makes variants of one program where it has such a choice."""

    name = label = ""
    can_block = True  # has /block and /cpu
    serves_files = False  # has /static/ over FILES
    loops = None

    def prepare(self):
        """Builds what is needed; raises Unavailable. Called once."""

    def version(self):
        return ""

    def command(self, port):
        raise NotImplementedError

    def start(self, cores):
        """Starts the server on these cores and waits until it answers."""
        if not shutil.which("taskset"):
            raise Unavailable("taskset is not installed")
        port = free_port()
        os.makedirs(LOGS, exist_ok=True)
        with open(os.path.join(LOGS, f"{self.name}.log"), "ab") as log:
            process = subprocess.Popen(
                ["taskset", "-c", cores, *self.command(port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        instance = Running(process, port, self)
        running.append(instance)
        try:
            instance.wait()
        except Unavailable:
            instance.stop()
            raise
        return instance


class Running:
    """A started server. A context manager, so that it ends with the block whatever happens."""

    def __init__(self, process, port, server):
        self.process, self.port, self.server = process, port, server

    @property
    def pid(self):
        return self.process.pid

    def wait(self, seconds=20):
        deadline = time.monotonic() + seconds
        reason = "nothing listens"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Unavailable(f"{self.server.label} ended at once with status {self.process.returncode}")
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", "/")
                response = connection.getresponse()
                body = response.read()
                connection.close()
                if response.status == 200 and body == b"hello":
                    return
                raise Unavailable(f"{self.server.label} answers {response.status} {body[:40]!r} instead of hello")
            except (OSError, http.client.HTTPException) as error:
                reason = str(error)
            time.sleep(0.02)
        raise Unavailable(f"{self.server.label} did not answer within {seconds} s: {reason}")

    def stop(self):
        for number, patience in ((signal.SIGTERM, 1.0), (signal.SIGKILL, 5.0)):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        # A master process may leave workers behind it.
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if self in running:
            running.remove(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def stop_all():
    for instance in list(running):
        instance.stop()


next_port = 21000


def free_port():
    """A port below the range that clients' own sockets are given."""
    global next_port
    while True:
        next_port = next_port + 1 if next_port < 29000 else 21000
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", next_port))
                return next_port
            except OSError:
                pass


class Squall(Server):
    name, label, program, loops = "squall", "Squall", None, 1
    serves_files = True

    def prepare(self):
        if Squall.program is None:
            Squall.program = swift_product("HelloSquall", HERE)

    def version(self):
        return machine.output("swift", "--version")

    def command(self, port):
        return [Squall.program, "--port", str(port), "--loops", str(self.loops), "--static", FILES]


class SquallTwoLoops(Squall):
    name, label, loops = "squall-2", "Squall, two loops", 2


class Nginx(Server):
    name, label, can_block = "nginx", "nginx", False
    serves_files = True

    def prepare(self):
        self.program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
        if not self.program:
            raise Unavailable("nginx is not installed")

    def version(self):
        return machine.output(self.program, "-v").replace("nginx version: ", "")

    def command(self, port):
        prefix = os.path.join(BUILD, "nginx")
        os.makedirs(prefix, exist_ok=True)
        with open(path("peers", "nginx", "nginx.conf")) as file:
            text = file.read().replace("PORT", str(port)).replace("FILES", FILES)
        with open(os.path.join(prefix, "nginx.conf"), "w") as file:
            file.write(text)
        # The error log of the command line is the one used before the configuration is read.
        return [self.program, "-e", "error.log", "-p", prefix, "-c", "nginx.conf"]


class Go(Server):
    name, label = "go", "Go net/http"
    serves_files = True

    def prepare(self):
        if not shutil.which("go"):
            raise Unavailable("go is not installed")
        self.program = os.path.join(BUILD, "hello-go")
        build("the Go peer", "go", "build", "-o", self.program, ".", cwd=path("peers", "go"))

    def version(self):
        return machine.output("go", "version").replace("go version ", "")

    def command(self, port):
        return [self.program, "--port", str(port), "--static", FILES]


class Node(Server):
    name, label = "node", "Node http"

    def prepare(self):
        self.program = shutil.which("node") or shutil.which("nodejs")
        if not self.program:
            raise Unavailable("node is not installed")

    def version(self):
        return "node " + machine.output(self.program, "--version")

    def command(self, port):
        return [self.program, path("peers", "node", "server.js"), "--port", str(port)]


class PythonServer(Server):
    packages = ()
    script = ""
    failure = None
    made = False

    def prepare(self):
        # One environment for all of them, made once.
        if not PythonServer.made:
            PythonServer.made = True
            try:
                if not os.path.exists(os.path.join(VENV, "bin", "pip")):
                    build("the Python environment", sys.executable, "-m", "venv", "--clear", VENV, timeout=120)
                wanted = path("peers", "python", "requirements.txt")
                pip = [os.path.join(VENV, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check"]
                build("the Python peers", *pip, "--requirement", wanted, timeout=300)
            except Unavailable as error:
                PythonServer.failure = str(error)
        if not self.version():
            raise Unavailable(PythonServer.failure or f"{self.packages[0]} is not installed")

    def version(self):
        code = "import sys, importlib.metadata as m; print(', '.join(p + ' ' + m.version(p) for p in sys.argv[1:]))"
        python = os.path.join(VENV, "bin", "python")
        found = machine.output(python, "-c", code, *self.packages)
        return found and f"{found}; " + machine.output(python, "--version")

    def python(self, script):
        return [os.path.join(VENV, "bin", "python"), path("peers", "python", script)]

    def command(self, port):
        return [*self.python(self.script), "--port", str(port)]


class Tornado(PythonServer):
    name, label, packages, script = "tornado", "Tornado", ("tornado",), "tornado_app.py"


class Uvicorn(PythonServer):
    name, label, script = "uvicorn", "uvicorn", "asgi_app.py"
    packages = ("uvicorn", "uvloop", "httptools")


class Hummingbird(Server):
    name, label = "hummingbird", "Hummingbird"

    def prepare(self):
        self.program = swift_product("HelloHummingbird", path("HelloHummingbird"))

    def version(self):
        return swift_pins(path("HelloHummingbird"), "hummingbird", "swift-nio")

    def command(self, port):
        return [self.program, "--port", str(port)]


ALL = [Squall(), SquallTwoLoops(), Nginx(), Go(), Node(), Uvicorn(), Hummingbird(), Tornado()]
