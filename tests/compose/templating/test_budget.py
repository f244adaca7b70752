"""No template fills the memory or runs for ever: each is stopped while it runs, with a fault that names its line."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailer.compose.expressions.ast import Vocabulary
from mailer.compose.expressions.evaluator import LONGEST_VALUE, Subject, text_of
from mailer.compose.expressions.parser import parse_expression
from mailer.compose.templating.budget import LONGEST_TEXT, LOOK_EVERY, Budget, TooMuch, size_of
from mailer.compose.templating.markers import Markers
from mailer.compose.templating.render import MOST_TAGS, Resolved, Resolver, Task
from mailer.compose.templating.sandbox import BoundedEnvironment
from mailer.diagnostics import Diagnostic, Place
from mailer.errors import MailerError

MOST_BYTES = 120_000_000  # at any moment; a text of 3,000,000 characters may take 12,000,000, and is handled in steps
HUGE = 2_000_000_000


def doubled(first: str, step: str) -> str:
    """Sixty steps, each of which makes the last result (A) at least twice as large (B)."""
    return put_together(first, [step] * 60)


def put_together(first: str, steps: list[str]) -> str:
    text = "".join(step.replace("B", f"x{n + 1}").replace("A", f"x{n}") for n, step in enumerate(steps))
    return f"{{% set x0 = {first} %}}{text}{{{{ x{len(steps)} }}}}"


LOOPS = [
    "{% for a in range(999) %}{% for b in range(999) %}{% for c in range(999) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(a) if false %}{% endfor %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}x{% endmacro %}{{ m(60) }}",
    "{% for x in [1] recursive %}{% if loop.depth < 4 %}{{ loop(range(99999)) }}{% endif %}{% endfor %}",
    "{% for a in range(99999) %}{% set y %}{% for b in range(99) %}{{ b }}{% endfor %}{% endset %}{% endfor %}",
]


def test_what_is_slow_without_being_large_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(99))
    monkeypatch.setattr("mailer.compose.templating.budget.time.thread_time", lambda: float(next(seconds)))
    budget = Budget()
    for _ in range(LOOK_EVERY * 11 - 1):  # looks at the clock ten times, which goes on by a second each time
        budget.step()
    with pytest.raises(TooMuch, match="more than 10 seconds"):
        budget.step()


WIDTHS = [
    f"{{{{ 'x'.zfill({HUGE}) }}}}",
    f"{{{{ 'x'.center({HUGE}) }}}}",
    f"{{{{ 'x'.ljust({HUGE}) }}}}",
    f"{{{{ 'x'.rjust({HUGE}, '-') }}}}",
    f"{{{{ '{{:>{HUGE}}}'.format(1) }}}}",
    f"{{{{ '{{:.{HUGE}f}}'.format(1.5) }}}}",
    f"{{{{ '{{0:{{1}}}}'.format(1, {HUGE}) }}}}",
    f"{{{{ '{{x:>{HUGE}}}'.format_map({{'x': 1}}) }}}}",
    f"{{{{ '%{HUGE}d' % 1 }}}}",
    f"{{{{ 'x' * {HUGE} }}}}",
    f"{{{{ [1] * {HUGE} }}}}",
    f"{{{{ (5).to_bytes({HUGE}, 'big') }}}}",
    f"{{{{ 'x'.encode().center({HUGE}) }}}}",
    f"{{{{ 'a\t'.expandtabs({HUGE}) }}}}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'a'.translate({97: 'x'.center(9999)}) }}",
]
GROWTH = [
    doubled("'xxxxxxxxxx'", "{% set B = A ~ A %}"),
    doubled("'xxxxxxxxxx'", "{% set B = A + A %}"),
    doubled("'xxxxxxxxxx'", "{% set B %}{{ A }}{{ A }}{% endset %}"),
    doubled("['x']", "{% set B = A + A %}"),
    doubled("['x']", "{% set B = [A, A] %}"),
    doubled("('x',)", "{% set B = (A, A) %}"),
    doubled("{'k': 1}", "{% set B = {'k': A, 'l': A} %}"),
    doubled("9999999", "{% set B = A * A %}"),
    doubled("'xxxxxxxxxx'", "{% set B = A.replace('x', 'xx') %}"),
    doubled("'xxxxxxxxxx'", "{% set B = A.join(A) %}"),
    doubled("'xxxxxxxxxx'", "{% set B = '{0}{0}'.format(A) %}"),
]
FILTERS = [  # of layouts
    "{{ 'xxxxxxxxxx'" + "|replace('x', 'xxxxxxxxxxxxxxxxxxxx')" * 20 + " }}",
    "{{ 'xxxxxxxxxx'" + "|replace('', 'xxxxxxxxxxxxxxxxxxxx')" * 20 + " }}",
    "{{ range(99999)|join('x'.center(9999)) }}",
    f"{{{{ [1]|batch({HUGE}, 'x')|list }}}}",
    f"{{{{ [1]|batch(linecount={HUGE}, fill_with='x')|list }}}}",
    "{% for i in range(99999) %}{% set j = range(99999)|list %}{% endfor %}",
    f"{{{{ 5|round(-{HUGE}) }}}}",
    f"{{{{ 5|round(precision=-{HUGE}) }}}}",
    doubled("'xxxxxxxxxx'", "{% set B %}{% filter replace('x', 'xx') %}{{ A }}{% endfilter %}{% endset %}"),
]


def resolve(text: str, folder: Path, *, layout: bool) -> tuple[Resolved | None, list[Diagnostic]]:
    (folder / "main.mjml").write_text(text, encoding="utf-8")
    task = Task(folder, Markers("seed"), Vocabulary(scopes={"supporter": {"first_name"}}), {})
    resolver = Resolver(task)
    found = resolver.layout("main.mjml", {}) if layout else resolver.words(text, Place("message.md", 1))
    return found, resolver.faults


@pytest.mark.parametrize("layout", [True, False], ids=["layout", "message"])
@pytest.mark.parametrize("text", LOOPS + WIDTHS + GROWTH)
def test_a_template_that_grows_is_stopped_while_it_runs(text: str, layout: bool, tmp_path: Path) -> None:
    _is_stopped(text, tmp_path, layout=layout)


@pytest.mark.parametrize("text", [*WIDTHS, *GROWTH[:3], *FILTERS[:5]])
def test_little_memory_is_used_until_then(text: str, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        _is_stopped(text, tmp_path, layout=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST_BYTES


@pytest.mark.parametrize("text", FILTERS)
def test_the_filters_of_a_layout_are_bounded_too(text: str, tmp_path: Path) -> None:
    _is_stopped(text, tmp_path, layout=True)


def _is_stopped(text: str, folder: Path, *, layout: bool) -> None:
    resolved, faults = resolve(text, folder, layout=layout)
    assert resolved is None
    (fault,) = faults
    assert ("is stopped" in fault.message) or ("sandbox forbids" in fault.message), fault.message
    assert fault.place is not None
    assert fault.place.line == 1
    assert fault.remedy


STEPS = [
    "{% set B = A ~ A %}", "{% set B %}{{ A }}{{ A }}{% endset %}", "{% set B = [A, A] %}", "{% set B = (A, [A, A]) %}",
    "{% set B = {'k': A, 'l': [A]} %}", "{% set B = [A] + [A, A] %}", "{% set B = '{0}{0}'.format(A) %}",
    "{% set B = (A|join('xyz')) ~ A %}", "{% set B = (A|replace('x', 'xx')) ~ A %}", "{% set B = [A]|list + [A] %}",
    "{% set B %}{% for i in [1, 2] %}{{ A }}{% endfor %}{% endset %}", "{% set B = (A|upper) ~ (A|urlencode) %}",
    "{% set B = (A|escape) ~ A %}", "{% set B = [A, A]|batch(2, A)|list + [A] %}", "{% set B = (A ~ A)[::1] %}",
]  # fmt: skip


@settings(max_examples=12, deadline=None)
@given(steps=st.lists(st.sampled_from(STEPS), min_size=40, max_size=40))
def test_whatever_a_template_puts_together_has_an_end(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    """Each step at least doubles, so forty of them would need a thousand gigabytes."""
    _is_stopped(put_together("'xxxx'", steps), tmp_path_factory.mktemp("law"), layout=True)


ORDINARY = [
    ("{{ '7'.zfill(3) }}", "007"),
    ("{{ '{:>5}|{:.2f}'.format(1, 2.5) }}", "    1|2.50"),
    ("{% for a in range(3) %}{{ loop.index ~ '/' ~ loop.length }} {% endfor %}", "1/3 2/3 3/3 "),
    ("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m('x') }}", "<x>"),
    ("{% set a = [1, 2] + [3] %}{{ a|join(', ') }}", "1, 2, 3"),
    ("{{ [1, 2, 3]|batch(2)|list }}", "[[1, 2], [3]]"),
    ("{{ 'a-b'|replace('-', '+') }} {{ 'a,b'.split(',')|last }} {{ 2.345|round(2) }}", "a+b b 2.35"),
    ("{% for key, value in {'a': 1}.items() %}{{ key }}={{ value }}{% endfor %}", "a=1"),
    ("{% for x in [[1]] recursive %}{% if x is iterable %}{{ loop(x) }}{% else %}{{ x }}{% endif %}{% endfor %}", "1"),
    ("{{ 'x' in 'xyz' }} {{ 3 * 4 + 1 }} {{ 7 % 4 }}", "True 13 3"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ORDINARY)
def test_what_templates_usually_do_is_as_before(text: str, expected: str, tmp_path: Path) -> None:
    resolved, faults = resolve(text, tmp_path, layout=True)
    assert faults == []
    assert resolved is not None
    assert resolved.text == expected


def test_a_loop_over_what_waits_for_the_person_is_bounded(tmp_path: Path) -> None:
    loop = "{%% for a in range(%d) %%}{{ supporter.first_name|default('x') }}{%% endfor %%}"
    assert resolve(loop % MOST_TAGS, tmp_path, layout=False)[1] == []
    (fault,) = resolve(loop % (MOST_TAGS + 1), tmp_path, layout=False)[1]
    assert "more than 2,000 merge tags" in fault.message


def test_a_merge_tag_is_bounded_for_each_person() -> None:
    vocabulary = Vocabulary(scopes={"supporter": {"story"}})
    tag = parse_expression(" ~ ".join(["supporter.story"] * 200), vocabulary=vocabulary, place=Place("x", 1))
    merge = text_of(tag)
    assert len(merge(Subject({"story": "x" * (LONGEST_VALUE // 200)}))) == LONGEST_VALUE
    with pytest.raises(MailerError, match="1,000,000 characters"):
        merge(Subject({"story": "x" * (LONGEST_VALUE // 200 + 1)}))


def test_running_out_of_memory_is_a_fault_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(BoundedEnvironment, "call_binop", no_room)
    (fault,) = resolve("{% set a = 1 %}\n{{ a + a }}", tmp_path, layout=False)[1]
    assert "memory" in fault.message
    assert fault.place == Place("message.md", 2)


@settings(deadline=None, max_examples=20)
@given(depth=st.integers(0, 200))
def test_the_size_of_a_list_that_holds_itself_many_times_is_found_soon(depth: int) -> None:
    value: object = "x"
    for _ in range(depth):
        value = [value, value]
    size = size_of(value)
    assert size >= min(2**depth, LONGEST_TEXT)


def test_what_is_too_much_has_a_message() -> None:
    environment = BoundedEnvironment()
    with pytest.raises(TooMuch, match="grows beyond"):
        environment.budget.ask(LONGEST_TEXT + 1)
