"""The functions that a model may call, and the rule that refuses all others.

Here: the functions that give the same results on both engines. Add a function only after running it on both, with
NULLs and edge cases.
Not here: functions that are safe only in some uses, for which there are rules in the modules of their subjects.
"""

from __future__ import annotations

from sqlglot import exp

from pipelines.sqlproject.lint_rules import lists, numbers, shape, texts, times
from pipelines.sqlproject.lint_rules.base import Rule

_OTHER_RULES: tuple[type[Rule], ...] = (*shape.RULES, *times.RULES, *numbers.RULES, *texts.RULES, *lists.RULES)

SAFE_FUNCTIONS: tuple[type[exp.Expr], ...] = (
    # logic
    exp.And, exp.Or, exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Exists, exp.Greatest, exp.Least,
    # aggregates
    exp.Count, exp.CountIf, exp.Min, exp.Max, exp.ArgMin, exp.ArgMax, exp.LogicalAnd, exp.LogicalOr, exp.Mode,
    exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.VariancePop, exp.Corr, exp.CovarPop, exp.CovarSamp,
    exp.Grouping,
    # windows
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead,
    exp.FirstValue, exp.LastValue, exp.NthValue,
    # numbers
    exp.Abs, exp.Floor, exp.Ceil, exp.Sign, exp.Sqrt, exp.Exp, exp.Ln, exp.Pow,
    # text
    exp.Lower, exp.Upper, exp.Trim, exp.Left, exp.Right, exp.Replace, exp.StartsWith, exp.EndsWith, exp.Contains,
    exp.StrPosition, exp.Pad, exp.Repeat, exp.SplitPart, exp.Split, exp.MD5, exp.SHA2,
    # dates
    exp.Year, exp.Quarter, exp.Month, exp.Day, exp.DayOfMonth, exp.DayOfYear, exp.WeekOfYear, exp.Hour, exp.Minute,
    exp.Second, exp.LastDay, exp.DateFromParts,
    # structs, maps, lists
    exp.Struct, exp.StructExtract, exp.Map, exp.MapKeys, exp.Array, exp.ArraySort, exp.ArraySize, exp.ArrayContains,
    exp.ArrayToString, exp.ArrayMin, exp.ArrayMax, exp.ArrayFilter, exp.Transform, exp.Unnest,
)  # fmt: skip


class UnmeasuredFunction(Rule):
    """This function is not known to give the same results on DuckDB and on Spark."""

    nodes = (exp.Func,)
    instead = (
        "a function listed in pipelines/sqlproject/lint_rules/functions.py, or add it there once both engines agree"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        if isinstance(node, SAFE_FUNCTIONS) or isinstance(node.parent, exp.Table):
            return False  # the rule FileOrTableFunction reports functions in FROM
        # If another rule considers this function, that rule decides. Rules that consider every node do not count here.
        return not any(rule.considers(node) for rule in _OTHER_RULES if exp.Expr not in rule.nodes)


RULES: tuple[type[Rule], ...] = (UnmeasuredFunction,)
