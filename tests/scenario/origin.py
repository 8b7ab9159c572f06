"""A backend that does what a test says, byte by byte, and remembers what it saw."""
import os
import socket
import threading

from wire import Closed, Peer, answer


class Origin:
    """`serve(peer, origin)` is called for each connection, in a thread of its own.

    By default every request is answered by `reply(head, body)`, which returns bytes.
    """

    def __init__(self, serve=None, reply=None, address=("127.0.0.1", 0)):
        self.serve = serve or self.serve_requests
        self.reply = reply or (lambda head, body: answer())
        self.lock = threading.Lock()
        self.heads, self.bodies = [], []      # of all requests, in the order they came
        self.peers = []                       # of all connections
        self.open_now = self.open_max = 0     # connections
        self.busy_now = self.busy_max = 0     # requests between busy() and its end
        self.errors = []                      # what a handler raised, other than a closed peer
        self.bind(address)
        self.accepting = True
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def bind(self, address):
        if isinstance(address, str):
            self.listener = socket.socket(socket.AF_UNIX)
        else:
            self.listener = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen(512)
        self.address = self.listener.getsockname()

    @property
    def url(self):
        """As a configuration writes it."""
        if isinstance(self.address, str):
            return f"unix:{self.address}"
        host, port = self.address[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.run, args=(Peer(sock),), daemon=True).start()

    def run(self, peer):
        with self.lock:
            self.peers.append(peer)
            self.open_now = sum(is_open(p) for p in self.peers)
            self.open_max = max(self.open_max, self.open_now)
        try:
            self.serve(peer, self)
        except (Closed, ConnectionError, BrokenPipeError, TimeoutError):
            pass
        except OSError as e:
            if self.accepting and peer.sock.fileno() >= 0:
                self.errors.append(e)
        except BaseException as e:  # an assertion of the test, most likely
            self.errors.append(e)
        finally:
            peer.close()
            with self.lock:
                self.open_now = sum(is_open(p) for p in self.peers)

    def read(self, peer):
        """The next request: (head, body)."""
        head = self.read_head(peer)
        body = peer.body(head)
        with self.lock:
            self.bodies.append(body)
        return head, body

    def read_head(self, peer):
        head = peer.head()
        with self.lock:
            self.heads.append(head)
        return head

    def serve_requests(self, peer, _):
        while True:
            head, body = self.read(peer)
            peer.send(self.reply(head, body))

    def busy(self):
        """`with origin.busy():` around what counts as work; busy_max is the most at once."""
        return Busy(self)

    def stop(self):
        """Like a process that ends: refuses, and ends what is open."""
        self.accepting = False
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.thread.join()
        for peer in list(self.peers):
            try:
                peer.end()
            except OSError:
                pass
        if isinstance(self.address, str) and os.path.exists(self.address):
            os.unlink(self.address)


def is_open(peer):
    """As the other side sees it: an end that was sent counts, read or not."""
    try:
        with socket.socket(fileno=os.dup(peer.sock.fileno())) as s:  # without peer's time limit
            return s.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:  # reset, or closed by us
        return False


class Busy:
    def __init__(self, origin):
        self.origin = origin

    def __enter__(self):
        with self.origin.lock:
            self.origin.busy_now += 1
            self.origin.busy_max = max(self.origin.busy_max, self.origin.busy_now)

    def __exit__(self, *exc):
        with self.origin.lock:
            self.origin.busy_now -= 1
