"""Rules about text: concatenation, patterns, regular expressions, casts to text.

Not here: casts from text (``numbers.TextCast``), formats of times (``times``).
"""

from __future__ import annotations

from sqlglot import exp

from pipelines.sqlproject.lint_rules.base import DECIMALS, INTEGERS, TEXTS, TIMES, D, Rule, is_parameter, kind, text


def _is_text(node: exp.Expr) -> bool:
    return kind(node) in {*TEXTS, D.NULL} or is_parameter(node)


class ConcatOfOtherTypes(Rule):
    """concat() and || of values that are not text fail on Spark or format the value differently."""

    nodes = (exp.Concat, exp.ConcatWs, exp.DPipe)
    instead = "CAST(x AS VARCHAR) around each value that is not text"

    def _refuses(self, node: exp.Expr) -> bool:
        parts = (node.this, node.args["expression"]) if isinstance(node, exp.DPipe) else node.expressions
        return not all(_is_text(part) for part in parts)


class ValueAsText(Rule):
    """DOUBLEs, lists, structs and maps become a different text on Spark: 1e7 is 10000000.0 or 1.0E7."""

    nodes = (exp.Cast, exp.TryCast)
    instead = "a CAST of text, integers, DECIMAL, BOOLEAN, DATE or TIMESTAMP only; string_agg for lists"

    def _refuses(self, node: exp.Expr) -> bool:
        safe = {*TEXTS, *INTEGERS, *DECIMALS, *TIMES, D.BOOLEAN, D.NULL}
        return kind(node) in TEXTS and kind(node.this) not in safe and not is_parameter(node.this)


class FirstMatchReplace(Rule):
    """regexp_replace() replaces only the first match in DuckDB and all on Spark, and loses options other than 'g'."""

    nodes = (exp.RegexpReplace,)
    instead = "regexp_replace(x, pattern, replacement, 'g')"

    def _refuses(self, node: exp.Expr) -> bool:
        return text(node.args.get("modifiers")) != "g"


class RegexpReference(Rule):
    r"""A reference to a group in a replacement is \1 in DuckDB and $1 on Spark."""

    nodes = (exp.RegexpReplace,)
    instead = "a literal replacement without backslash and $; regexp_extract(x, pattern, 1) to keep a group"

    def _refuses(self, node: exp.Expr) -> bool:
        replacement = text(node.args.get("replacement"))
        return replacement is None or "\\" in replacement or "$" in replacement


class RegexpOptions(Rule):
    """Options of regular expressions are lost in the translation for Spark, and regexp_full_match() fails there."""

    nodes = (exp.RegexpLike, exp.RegexpILike, exp.RegexpExtract, exp.RegexpFullMatch)
    instead = "(?i) in the pattern; regexp_matches(x, '^(?:…)$') for a full match"

    def _refuses(self, node: exp.Expr) -> bool:
        return isinstance(node, exp.RegexpFullMatch | exp.RegexpILike) or bool(
            node.args.get("flag") or node.args.get("parameters")
        )


class EscapedLike(Rule):
    """In a LIKE pattern a backslash is an ordinary character in DuckDB and an escape on Spark."""

    nodes = (exp.Like, exp.ILike)
    instead = "a literal pattern without backslash, or contains(), starts_with(), ends_with()"

    def _refuses(self, node: exp.Expr) -> bool:
        pattern = text(node.args.get("expression"))
        return pattern is None or "\\" in pattern


class PatternOperator(Rule):
    """GLOB and SIMILAR TO exist in DuckDB only."""

    nodes = (exp.Glob, exp.SimilarTo)
    instead = "LIKE, or regexp_matches(x, '^(?:…)$')"


class LengthOfList(Rule):
    """len() and length() of a list fail on Spark, where they are for text."""

    nodes = (exp.Length,)
    instead = "array_length(list); an argument of unknown type needs a CAST"

    def _refuses(self, node: exp.Expr) -> bool:
        return not _is_text(node.this)


class UnorderedText(Rule):
    """string_agg() without ORDER BY joins the values in an arbitrary order, and on Spark it accepts only text."""

    nodes = (exp.GroupConcat,)
    instead = "string_agg(CAST(x AS VARCHAR), ' > ' ORDER BY y)"

    def _refuses(self, node: exp.Expr) -> bool:
        ordered = node.this
        if not isinstance(ordered, exp.Order):
            return True
        value = ordered.this.expressions[0] if isinstance(ordered.this, exp.Distinct) else ordered.this
        return not _is_text(value)


class SubstringFromZero(Rule):
    """A substring from position 0 is one character shorter in DuckDB than on Spark."""

    nodes = (exp.Substring,)
    instead = "a literal start of 1 or more (the first character is 1), or left(x, n) and right(x, n)"

    def _refuses(self, node: exp.Expr) -> bool:
        start = node.args.get("start")
        return not (isinstance(start, exp.Literal) and start.is_int and int(start.name) >= 1)


class UncheckedUrlDecode(Rule):
    """url_decode() fails for text that is not percent-encoded UTF-8, and a + is a blank on Spark only."""

    functions = frozenset({"url_decode"})
    instead = (
        "CASE WHEN regexp_matches(x, <pattern of encoded UTF-8>) THEN url_decode(replace(x, '+', '%20')) ELSE x END"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        branch = node.parent
        is_checked = isinstance(branch, exp.If) and isinstance(branch.this, exp.RegexpLike)
        return not (is_checked and isinstance(node.expressions[0], exp.Replace))


RULES: tuple[type[Rule], ...] = (
    ConcatOfOtherTypes,
    ValueAsText,
    FirstMatchReplace,
    RegexpReference,
    RegexpOptions,
    EscapedLike,
    PatternOperator,
    LengthOfList,
    UnorderedText,
    SubstringFromZero,
    UncheckedUrlDecode,
)
