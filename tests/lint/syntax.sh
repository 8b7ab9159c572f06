#!/bin/bash
# Every shell and Python file parses.
set -euo pipefail
mapfile -t shell < <(find docker tests .ci -name '*.sh' -o -path '.ci/run')
for file in "${shell[@]}"; do
    bash -n "$file"
done
find tests docker -name '*.py' -print0 |
    xargs -0 -r /usr/bin/python3 -c 'import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name).read(), name)'
