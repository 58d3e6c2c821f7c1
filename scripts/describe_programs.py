#!/usr/bin/env python3
"""Writes the options of docs/programs.md from the --help of every program.

Usage: describe_programs.py [--check] FOLDER   (with the programs of the build)

With --check, writes nothing; a difference is an error. Always an error: a program without --version, an option without a
group, an option or a program whose name has an underscore.
"""
import collections
import dataclasses
import difflib
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "programs.md"
BEGIN, END = "<!-- written by scripts/describe_programs.py -->\n", "<!-- end -->\n"
COLUMNS = 100  # of the text
SHARED_BY = 4  # an option with the same text in at least this many programs is described once
GROUPS = ["Model", "Text", "Compute", "Output", "Help"]  # groups of shared options
DEFAULT_GROUP = "Options"  # CLI11's group of an option without a group


@dataclasses.dataclass(frozen=True)
class Option:
    group: str
    names: str  # "--model PATH"
    text: str


@dataclasses.dataclass
class Help:
    description: str = ""
    options: list = dataclasses.field(default_factory=list)
    lists: dict = dataclasses.field(default_factory=dict)  # title: [(name, meaning)]
    notes: str = ""


def output(program, option):
    done = subprocess.run([program, option], check=True, capture_output=True, text=True)
    if done.stderr:
        sys.exit(f"{program} {option} writes to stderr: {done.stderr}")
    return done.stdout


def check_version(name, line):
    if not re.fullmatch(rf"{name} \d+\.\d+\.\d+ \(LibTorch \S+, \w+ kernels\)\n", line):
        sys.exit(f"{name} --version: got {line!r}, expected the versions of the program and of LibTorch and the kernels")


def check_names(program, parsed):
    for option in parsed.options:
        if option.group == DEFAULT_GROUP:
            sys.exit(f"{program} --help: {option.names} has no group")
        if "_" in option.names:
            sys.exit(f"{program} --help: {option.names} has an underscore, expected a hyphen")
    if not {"-h, --help", "--version"} <= {option.names for option in parsed.options}:
        sys.exit(f"{program} --help: expected the options -h, --help and --version")


def joined(lines):
    """Returns the lines of options or of a list. A line that is indented by more than two columns continues the line before."""
    whole = []
    for line in lines:
        if line.startswith("   "):
            gap = " " if "  " in whole[-1].strip() else "  "  # two where the text starts, below a long name
            whole[-1] += gap + line.strip()
        else:
            whole.append(line)
    return whole


def parse(text):
    """Parses a --help: a description, "Usage: ...", groups of options, then lists of names and notes."""
    paragraphs = text.strip("\n").split("\n\n")
    parsed = Help(description=" ".join(paragraphs[0].split()))
    for paragraph in paragraphs[2:]:
        title, *lines = paragraph.split("\n")
        entries = [re.split(r"  +", line.strip(), maxsplit=1) for line in joined(lines)] if title.endswith(":") else []
        if not entries:
            parsed.notes += " ".join(paragraph.split())
        elif entries[0][0].startswith("-"):
            parsed.options += [Option(title[:-1], name, *text) for name, *text in entries]
        else:
            parsed.lists[title[:-1]] = [(name, *text) for name, *text in entries]
    return parsed


def table(head, rows):
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *escaped]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def marked(text):
    """Converts text of --help to Markdown: options become code; asterisks and, for Doxygen, @ are escaped."""
    return re.sub(r"(--[a-z][a-z-]*)", r"`\1`", re.sub(r"([*@])", r"\\\1", text))


def prose(text):
    return textwrap.fill(text, COLUMNS, break_on_hyphens=False, break_long_words=False) + "\n"


def list_table(title, entries):
    return table([marked(title), ""], [[f"`{name}`", marked(meaning)] for name, meaning in entries])


def users(option, programs):
    """Returns the programs that have an option, as text."""
    having = [name for name, parsed in programs.items() if option in parsed.options]
    others = [name for name in programs if name not in having]
    if not others:
        return "all"
    code = ", ".join(f"`{name}`" for name in min(having, others, key=len))
    return code if len(having) <= len(others) else f"all but {code}"


def common_section(programs, common):
    lines = ["## Options of most programs\n"]
    for group in dict.fromkeys(GROUPS + [option.group for option in common]):
        rows = [[f"`{option.names}`", marked(option.text), users(option, programs)] for option in common if option.group == group]
        lines.append(table([group, "", "programs"], rows))
    return "\n".join(lines)


def program_section(name, parsed, common):
    lines = [f"## spikesink-{name}\n", prose(parsed.description)]
    own = [[f"`{option.names}`", marked(option.text), option.group] for option in parsed.options if option not in common]
    if own:
        lines.append(table(["option", "", "group"], own))
    for title, entries in parsed.lists.items():
        if all(len(entry) == 1 for entry in entries):
            lines.append(prose(f"{marked(title)}: " + ", ".join(f"`{name}`" for name, in entries) + "."))
        else:
            lines.append(list_table(title, entries))
    if parsed.notes:
        lines.append(prose(marked(parsed.notes)))
    return "\n".join(lines)


def shared_lists(programs):
    """Returns the lists that several programs print, by title. They are described once, below the programs."""
    counts = collections.Counter((title, tuple(entries)) for parsed in programs.values() for title, entries in parsed.lists.items())
    return {title: list(entries) for (title, entries), count in counts.items() if count > 1}


def page(programs):
    counts = collections.Counter(option for parsed in programs.values() for option in parsed.options)
    common = [option for option, count in counts.items() if count >= SHARED_BY]
    shared = shared_lists(programs)
    for parsed in programs.values():
        parsed.notes += " ".join(f"{title}: [below](programs.md#{title.lower()})." for title in parsed.lists if title in shared)
        parsed.lists = {title: entries for title, entries in parsed.lists.items() if title not in shared}
    sections = [table(["program", "what it does"], [
        [f"[`spikesink-{name}`](programs.md#spikesink-{name})", parsed.description] for name, parsed in programs.items()])]
    sections.append(common_section(programs, common))
    sections += [program_section(name, parsed, common) for name, parsed in programs.items()]
    for title, entries in shared.items():
        sections.append(f"## {title}\n\n" + list_table(title, entries))
    return "\n".join(sections)


def main(*arguments):
    folder = pathlib.Path(arguments[-1])
    programs = {}
    for source in sorted((ROOT / "examples").glob("*.cpp")):
        name = source.stem.replace("_", "-")
        program = folder / f"spikesink-{name}"
        check_version(program.name, output(program, "--version"))
        programs[name] = parse(output(program, "--help"))
        check_names(program.name, programs[name])
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    wanted = before + BEGIN + page(programs) + END + rest.split(END)[1]
    if "--check" not in arguments:
        PAGE.write_text(wanted, encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != wanted:
        sys.stdout.writelines(difflib.unified_diff(PAGE.read_text(encoding="utf-8").splitlines(True), wanted.splitlines(True),
                                                   str(PAGE), "what --help says"))
        sys.exit(f"{PAGE} is out of date: run scripts/describe_programs.py {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:])
