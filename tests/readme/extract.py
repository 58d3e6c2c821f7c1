#!/usr/bin/env python3
"""Makes a program of a page's C++: the blocks after ```cpp, in order, in one main().

    extract.py PAGE.md OUT.cpp
"""

import re
import sys

blocks = re.findall(r"^```cpp\n(.*?)^```", open(sys.argv[1]).read(), re.M | re.S)
assert blocks, "the page shows no C++"
lines = "".join(blocks).splitlines()
includes = [line for line in lines if line.startswith("#include")]
body = [line for line in lines if not line.startswith("#include")]
with open(sys.argv[2], "w") as out:
    out.write("\n".join(includes + ["int main() {"] + body + ["}"]) + "\n")
