#!/usr/bin/python3
"""The architecture as a program: who may include whom, what is pure, what is banned.

A layer may include itself and what its row lists.  Exceptions stand here, with a
reason, and nowhere else.
"""
import collections
import pathlib
import re
import subprocess
import sys

ROOMS = ("base", "conf", "proxy", "profiler", "scaler", "app")

# A row is a folder; the longest that fits a file counts.  An entry is a folder
# (without its subfolders' own rows) or a single header.
MAY = {
    "base": set(),
    "conf": {"base"},
    "proxy": {"base", "conf", "proxy/access", "proxy/edge", "proxy/h1", "proxy/h2", "proxy/tls"},
    "proxy/tls": {"base", "conf"},
    # msg.h is the version-neutral head that codecs fill in; lex and uri are pure as they are.
    "proxy/h1": {"base", "proxy/msg.h", "proxy/lex.h", "proxy/uri.h"},
    "proxy/h2": {"base", "proxy/msg.h", "proxy/lex.h", "proxy/uri.h"},
    # What a record says is in words of the proxy, and versions of HTTP are msg.h's.
    "proxy/access": {"base", "conf", "proxy/ending.h", "proxy/msg.h"},
    # What an edge does beside forwarding, without an exchange: codings, tokens, passwords.
    "proxy/edge": {"base", "conf", "proxy/msg.h", "proxy/lex.h"},
    "profiler": {"base", "conf", "profiler/cluster", "profiler/seq"},
    "profiler/cluster": {"base"},
    "profiler/seq": {"base"},
    "scaler": {"base", "conf", "scaler/forecast", "scaler/provider"},
    "scaler/forecast": {"base"},
    "scaler/provider": {"base", "conf"},
    "app": set(ROOMS) | {"app/admin", "proxy/h1"},
    "app/admin": set(ROOMS),
    "tests/tools": {"base"},
    "docker": set(),
}

# Functions whose parameters a library has laid down: path -> names.
CALLBACKS = {
    "proxy/h2link.c": {"read_body"},
    "proxy/probe_h2.c": {"on_header", "read_request"},
    "tests/unit/proxy/probe_h2_test.c": {"on_header", "read_body"},
}

# No socket, clock, thread, file, log or errno: time, randomness, sizes are arguments.
PURE = (
    "proxy/h1/", "proxy/h2/", "proxy/lex.", "proxy/msg.", "proxy/uri.", "proxy/hop.",
    "proxy/access/access_text.", "proxy/access/access_line.", "proxy/access/access_clf.",
    "proxy/access/access_httplog.", "proxy/access/access_json.", "proxy/access/access_custom.",
    "proxy/balance.", "proxy/proxyproto.", "proxy/tls/tls_name.", "proxy/tls/tls_ring.",
    "proxy/edge/accept.", "proxy/edge/b64.", "proxy/edge/bucket.", "proxy/edge/cookie.", "proxy/edge/named.",
    "profiler/cluster/", "profiler/seq/",
    "profiler/template.", "profiler/patience.", "scaler/forecast/", "scaler/policy.",
    "scaler/capacity.",
)
IMPURE = re.compile(
    r'#include\s+(<(sys/socket|sys/time|sys/stat|unistd|time|pthread|event2/|openssl/ssl|errno'
    r'|fcntl|netdb|poll|signal|stdio)|"base/(log|loop|kv)\.h")')
SNPRINTF_ONLY = {}  # pure files that include <stdio.h> for snprintf() alone: path -> why

# Who talks to libevent besides base/loop.
EVENT2 = {
    "base/loop.h": "the loop",
    "base/loop.c": "the loop",
    "app/admin/admin.c": "evhttp, on the main loop's base",
    "app/admin/ask.c": "evhttp's request",
}

BANNED = re.compile(
    r"\b(strcpy|strcat|sprintf|vsprintf|strtok|gets|localtime|gmtime|asctime|ctime|atoi|atol|rand"
    r"|srand|time)\s*\(")
TYPEDEF = re.compile(r"\btypedef\s+(struct|enum|union)\b")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
RESERVED = re.compile(
    r"^(ERR_|SSL_|TLS_|BIO_|EVP_|CONF_|POLICY_|conf_|event_|ev_|evbuffer_|json_|redis|cr_|nghttp2_)")

FILE_MAX, FUNC_MAX, FUNC_AIM, PARAMS_MAX = 1000, 100, 40, 6
AIM_SHARE = 0.85  # of all functions are at most FUNC_AIM lines

# Names that do not begin with their file's stem: (path, name) -> why.
OTHER_NAMES = {
    ("app/main.c", "main"): "the C library's",
    ("base/rc.c", "why_set"): "struct why stands beside the codes it explains",
}


def layer(path):
    fits = [row for row in MAY if str(path).startswith(row + "/")]
    return max(fits, key=len, default=None)


def may_include(me, header):
    to = layer(header)
    return to is None or to == me or to in MAY[me] or header in MAY[me]


def strip_text(text):
    """The code with comments and strings blanked, line by line as before."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def check_includes(path, text):
    me = layer(path)
    for n, line in enumerate(text.splitlines(), 1):
        inc = re.match(r'\s*#include\s+"([^"]+)"', line)
        if inc and me and not may_include(me, inc[1]):
            yield f"{path}:{n}: {me} may not include {inc[1]}"
        if str(path).startswith(PURE) and IMPURE.search(line):
            if not ("<stdio" in line and str(path) in SNPRINTF_ONLY):
                yield f"{path}:{n}: a pure module may not include {line.split()[-1]}"
        if "<event2/" in line and str(path) not in EVENT2:
            yield f"{path}:{n}: only base/loop and the listed exceptions include event2/"


def check_words(path, text):
    for n, line in enumerate(text.splitlines(), 1):
        if UNFINISHED.search(line):
            yield f"{path}:{n}: unfinished"
    for n, line in enumerate(strip_text(text).splitlines(), 1):
        if "#include" in line:
            continue
        banned = BANNED.search(line)
        if banned:
            yield f"{path}:{n}: {banned[1]}() is banned"
        if TYPEDEF.search(line):
            yield f"{path}:{n}: no typedef for a {TYPEDEF.search(line)[1]}"


Function = collections.namedtuple("Function", "path name line length static params")


def count_params(signature):
    depth, count = 0, 1
    for c in signature[1:-1]:
        depth += (c == "(") - (c == ")")
        count += c == "," and depth == 0
    return count


def functions(paths):
    out = subprocess.run(
        ["ctags", "-x", "--kinds-C=f", "--_xformat=%F\t%N\t%n\t%e\t%{file}\t%{signature}",
         *map(str, paths)], capture_output=True, text=True, check=True).stdout
    for row in out.splitlines():
        path, name, line, end, static, signature = row.split("\t")
        yield Function(path, name, int(line), int(end) - int(line) + 1, static != "-",
                       count_params(signature))


def check_function(f):
    stem = pathlib.Path(f.path).stem
    if f.length > FUNC_MAX:
        yield f"{f.path}:{f.line}: {f.name}() has {f.length} lines"
    if f.params > PARAMS_MAX and f.name not in CALLBACKS.get(f.path, ()):
        yield f"{f.path}:{f.line}: {f.name}() has {f.params} parameters"
    if RESERVED.search(f.name):
        yield f"{f.path}:{f.line}: {f.name}() has a library's prefix"
    other = f.static or f.name == stem or f.name.startswith(stem + "_")
    if f.path.startswith(ROOMS) and not other and (f.path, f.name) not in OTHER_NAMES:
        yield f"{f.path}:{f.line}: {f.name}() does not begin with {stem}_"


def check_sizes(paths):
    every = [f for f in functions(p for p in paths if p.suffix == ".c")]
    for f in every:
        yield from check_function(f)
    short = sum(f.length <= FUNC_AIM for f in every)
    if every and short < AIM_SHARE * len(every):
        yield f"only {short} of {len(every)} functions have at most {FUNC_AIM} lines"
    for path in paths:
        lines = path.read_text().count("\n")
        if lines > FILE_MAX:
            yield f"{path}: {lines} lines"


def check_stems(paths):
    seen = {}
    for path in paths:
        first = seen.setdefault((path.stem, path.suffix), path)
        if first != path:
            yield f"{path}: the stem is taken by {first}"


def check(path):
    text = path.read_text()
    yield from check_includes(path, text)
    yield from check_words(path, text)


def main():
    folders = ROOMS + ("tests", "docker")
    paths = sorted(p for d in folders for p in pathlib.Path(d).rglob("*.[ch]"))
    problems = [p for path in paths for p in check(path)]
    problems += check_sizes(paths)
    problems += check_stems(paths)
    print("\n".join(problems) or f"layers: {len(paths)} files, clean")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
