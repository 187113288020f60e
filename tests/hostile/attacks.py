"""Manifests that try to run for long, to fill the memory, to read or to write elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

HEAD = "seedrender: 1\nname: film\n"
LONG = "[" + ", ".join(["1"] * 30_000) + "]"
MANY = "[" + ", ".join(f"n{n}" for n in range(2000)) + "]"


def prompt(expression: str, more: str = "") -> str:
    """Return a manifest whose one prompt holds an expression."""
    return f"{HEAD}{more}shots:\n  o:\n    prompt: |-\n      {expression}\n"


def output(name: str) -> str:
    """Return a manifest whose one clip has this name."""
    return f"{HEAD}shots:\n  o: {{prompt: A kite., output: {name}}}\n"


def two(one: str, other: str) -> str:
    """Return a manifest of two clips."""
    return (
        f"{HEAD}shots:\n  a: {{prompt: A kite., output: {one}}}\n"
        f"  b: {{prompt: A dog., output: {other}}}\n"
    )


def rule(schema: str, value: str) -> str:
    """Return a manifest whose template checks a param."""
    return (
        f"{HEAD}templates: {{t: {{params: {{x: {schema}}}, prompt: A kite.}}}}\n"
        f"shots: {{o: {{template: t, with: {{x: {value}}}}}}}\n"
    )


GADGETS = (
    "{{ ''.__class__.__mro__ }}",
    "{{ ''['__class__'] }}",
    "{{ '' | attr('__class__') }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ namespace() }}",
    "{{ range(10 ** 9) }}",
    "{{ self }}",
    "{{ joiner }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '%s' % 1 }}",
    "{{ vars.__class__ }}",
    "{{ ref.__init__.__globals__ }}",
    "{{ ref._names }}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set a = 1 %}{{ a }}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% for a in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% call x() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}{{ x }}",
)
GROWTH = (
    "{{ 'a' * 10 ** 10 }}",
    "{{ ('a' * 100000) * 100000 }}",
    "{{ [0] * 10 ** 9 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 999999999999 * 999999999999 * 999999999999 }}",
    "{{ '%999999999d' % 1 }}",
    "{{ 'x' | center(10 ** 9) }}",
    "{{ 'x' | indent(10 ** 9) }}",
    "{{ 1 | round(10 ** 9) }}",
    "{{ 'ab' | replace('', 'x' * 9) }}",
    f"{{{{ '{'a' * 400}' | replace('a', '{'b' * 400}') | replace('b', '{'c' * 400}') }}}}",
    f"{{{{ {' ~ '.join(['vars.t'] * 300)} }}}}{{{{ x }}}}",
    "{% for a in vars.l %}{% for b in vars.l %}x{% endfor %}{% endfor %}",
    "{% for a in vars.l %}{{ vars.l | join('xxxxxxxxxx') }}{% endfor %}",
    "{% for a in vars.l %}{% if vars.l | sort | length == 0 %}x{% endif %}{% endfor %}{{ x }}",
    "{% for a in vars.l %}{{ (vars.l | join('') | length) // 1000000 }}{% endfor %}",
    f"{{{{ {'(' * 20_000}1{')' * 20_000} }}}}",
    f"{{{{ {'[' * 20_000}{']' * 20_000} }}}}",
    f"{{{{ {'not ' * 20_000}1 }}}}",
    f"{{{{ {'-' * 20_000}1 }}}}",
    f"{{{{ 1{' + 1' * 20_000} }}}}",
    f"{{{{ x{' | upper' * 10_000} }}}}",
    "{% if 1 %}" * 5_000 + "x" + "{% endif %}" * 5_000,
    "{{ " * 20_000,
    "{{" + " " * 90_000 + "x",
    "{{ x }}" * 12_000,
    "{#" * 40_000,
    "{% raw %}" * 10_000,
)
VARS = f"vars: {{l: {LONG}, t: {'x' * 1000}}}\n"
CATASTROPHE = "{type: string, pattern: '^(a+)+$'}"

TEXTS: Mapping[str, str] = {
    **{f"gadget {n}": prompt(text) for n, text in enumerate(GADGETS)},
    **{f"growth {n}": prompt(text, VARS) for n, text in enumerate(GROWTH)},
    "billion laughs": HEAD
    + "x-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"
    + "".join(
        f"x-{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n"
        for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
    ),
    "quadratic": f"{HEAD}x-a: &a {'x' * 1_000_000}\nx-b: [{', '.join(['*a'] * 100_000)}]\n",
    "merge fan": HEAD
    + "x-m0: &m0 {k: 1}\n"
    + "".join(f"x-m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}\n" for n in range(1, 12))
    + "shots: {<<: *m11}\n",
    "deep brackets": f"{HEAD}vars: {'[' * 20_000}{']' * 20_000}\n",
    "deep braces": f"{HEAD}vars: {'{a: ' * 20_000}1{'}' * 20_000}\n",
    "deep indentation": HEAD + "".join(f"{' ' * n}a:\n" for n in range(2_000)),
    "python object": f"{HEAD}vars: !!python/object/apply:os.system ['touch owned']\n",
    "python name": f"{HEAD}vars: !!python/name:os.system\n",
    "own tag": f"{HEAD}vars: !include /etc/passwd\n",
    "regex": rule(CATASTROPHE, "a" * 60 + "!"),
    "look-around": rule(r"{type: string, pattern: '^(?=(a+)+b)(a|aa)+$'}", "a" * 60 + "!"),
    "back-reference": rule(r"{type: string, pattern: '^(a*)*\1$'}", "a" * 60 + "!"),
    "remote ref": rule("{$ref: 'https://example.org/s.json'}", "1"),
    "file ref": rule("{$ref: 'file:///etc/passwd'}", "1"),
    "looping ref": rule("{$ref: '#'}", "1"),
    "unique items": rule("{type: array, uniqueItems: true, maxItems: 1}", LONG),
    "deep rule": rule("{not: " * 60 + "{}" + "}" * 60, "1"),
    "rows of a password file": f"{HEAD}shots: {{o: {{prompt: A., foreach: ../../../../etc/passwd}}}}\n",
    "rows of an absolute path": f"{HEAD}shots: {{o: {{prompt: A., foreach: /etc/rows.csv}}}}\n",
    "rows of a link": f"{HEAD}shots: {{o: {{prompt: A., foreach: link.csv}}}}\n",
    "rows of a pipe": f"{HEAD}shots: {{o: {{prompt: A., foreach: pipe.csv}}}}\n",
    "rows of a device": f"{HEAD}shots: {{o: {{prompt: A., foreach: zero.csv}}}}\n",
    "include of a link": f"{HEAD}include: [link.yaml]\nshots: {{o: {{prompt: A.}}}}\n",
    "include of a pipe": f"{HEAD}include: [pipe.csv]\nshots: {{o: {{prompt: A.}}}}\n",
    "include outside": f"{HEAD}include: [../outside.yaml]\nshots: {{o: {{prompt: A.}}}}\n",
    "include of a folder's link": f"{HEAD}include: [folder/hosts]\nshots: {{o: {{prompt: A.}}}}\n",
    "include of itself": f"{HEAD}include: [film.yaml]\nshots: {{o: {{prompt: A.}}}}\n",
    "reference outside": f"{HEAD}references: {{h: {{image: ../../../../etc/passwd}}}}\n"
    "shots: {o: {prompt: '{{ ref.h }}'}}\n",
    "reference through a link": f"{HEAD}references: {{h: {{image: link.csv}}}}\n"
    "shots: {o: {prompt: '{{ ref.h }}'}}\n",
    "reference to a pipe": f"{HEAD}references: {{h: {{image: pipe.csv}}}}\n"
    "shots: {o: {prompt: '{{ ref.h }}'}}\n",
    "huge matrix": f"{HEAD}shots: {{o: {{prompt: A., matrix: {{a: {MANY}, b: {MANY}, c: {MANY}}}}}}}\n",
    "huge matrix of vars": f"{HEAD}vars: {{m: {MANY}}}\nshots: {{o: {{prompt: A., matrix: "
    "{a: '{{ vars.m }}', b: '{{ vars.m }}'}}}\n",
    "takes of a huge matrix": f"{HEAD}shots: {{o: {{prompt: A., takes: 100, matrix: "
    f"{{a: {MANY}, b: [1, 2]}}}}}}\n",
    "a long take": f"{HEAD}chains: {{c: {{prompt: A., duration: 1000000000}}}}\n",
    "aliased segments": f"{HEAD}x-s: &s {{prompt: A., duration: 5}}\n"
    f"x-l: &l [{', '.join(['*s'] * 1000)}]\nchains: {{c: {{segments: [{', '.join(['*l'] * 1000)}]}}}}\n",
    "many errors": HEAD + "shots:\n" + "".join(f"  s{n}: {{promt: A.}}\n" for n in range(50_000)),
    "many near names": HEAD
    + "references:\n"
    + "".join(f"  name{n}: {{image: 'https://x.org/a.png'}}\n" for n in range(20_000))
    + "shots:\n"
    + "".join(f"  s{n}: {{prompt: '{{{{ ref.nama{n} }}}}'}}\n" for n in range(2_000)),
    "many unknown templates": HEAD
    + "templates:\n"
    + "".join(f"  name{n}: {{prompt: A.}}\n" for n in range(10_000))
    + "shots:\n"
    + "".join(f"  s{n}: {{template: nama{n}}}\n" for n in range(5_000)),
    "long number": f"{HEAD}vars: {{n: {'9' * 100_000}}}\n",
    "large float": f"{HEAD}vars: {{n: 1e999999999}}\nshots: {{}}\n",
    **{
        f"output {n}": output(name)
        for n, name in enumerate(
            (
                *("/owned.mp4", "../owned.mp4", "a/../../owned.mp4", "'~/../../owned.mp4'"),
                *(
                    '"a\\\\..\\\\b.mp4"',
                    "'C:\\owned.mp4'",
                    "'C:owned.mp4'",
                    '"a\\0.mp4"',
                    '"a\\nb.mp4"',
                ),
                *(
                    "CON.mp4",
                    "aux.mp4",
                    "nul/a.mp4",
                    "com1.mp4",
                    "'con .mp4'",
                    "'a./b.mp4'",
                    "'a /b.mp4'",
                ),
                *(".git/hooks/a.mp4", ".seedrender/a.mp4", "a.sh", "'a.mp4/'", "''", "'   '"),
                *('"a\\u202Eb.mp4"', '"a\\u200Bb.mp4"', f"{'x' * 300}.mp4", '"\\e[31m.mp4"'),
            )
        )
    },
    "case": two("Kite.mp4", "kite.MP4"),
    "accents": two('"caf\\u00e9.mp4"', '"cafe\\u0301.mp4"'),
    "sharp s": two("'stra\u00dfe.mp4'", "strasse.mp4"),
    "full width": two('"\\uff21.mp4"', "A.mp4"),
    "a folder that is a clip": two("a.mp4", "a.mp4/b.mp4"),
    "output folder": f"{HEAD}output: {{dir: /owned}}\nshots: {{o: {{prompt: A.}}}}\n",
    "output folder above": f"{HEAD}output: {{dir: a/../..}}\nshots: {{o: {{prompt: A.}}}}\n",
    "output folder git": f"{HEAD}output: {{dir: .git}}\nshots: {{o: {{prompt: A.}}}}\n",
}

FILES: Mapping[str, Callable[[Path], object]] = {
    "binary": lambda path: path.write_bytes(os.urandom(100_000)),
    "utf-16": lambda path: path.write_bytes(output("a.mp4").encode("utf-16")),
    "latin-1": lambda path: path.write_bytes(f"{HEAD}vars: {{a: caf\u00e9}}\n".encode("latin-1")),
    "large": lambda path: path.write_bytes(b"# comment\n" * 10_000_000),
    "endless": lambda path: path.symlink_to("/dev/zero"),
    "nul": lambda path: path.write_bytes(b"seedrender: 1\0"),
}
