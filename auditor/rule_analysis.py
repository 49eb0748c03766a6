"""What a rule's query needs to know, computed from its SQL and never declared by hand: a hand-made list would be forgotten one day.

Three questions decide whether "no finding" may be said:
reads: which tables and columns does it read? Negative reads: where could missing rows invent a finding, or hide that rows are missing?
Unknowns: which NULLs could take a row out of the result, or change it, without making `ok` NULL?
SQL logic is Kleene's: as long as a NULL goes through AND, OR, NOT and comparisons only, a result that is not NULL would be the same
for every value the NULL may stand for. COALESCE, IS NULL, CASE conditions, aggregates, joins and subqueries break that: their columns
are probed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from auditor.errors import RuleError
from auditor.tables import ALL

DIALECT = "duckdb"
MAX_DEPTH = 100
"""Nesting of a query's tree, far below what ends in a RecursionError whoever calls."""
_KLEENE = (
    exp.And, exp.Or, exp.Not, exp.Paren, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between, exp.In, exp.Like, exp.ILike,
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Neg, exp.Cast, exp.Interval, exp.Lower, exp.Upper, exp.Length, exp.Substring,
    exp.DPipe, exp.StartsWith, exp.Contains,
)  # fmt: skip
_POSITIVE = (exp.And, exp.Or, exp.Paren, exp.Exists, exp.In)
_GIVEN = frozenset(("", "person", "staff", "system", "computer", "guest"))
"""Kinds that no pattern of audit.yaml has to declare."""
_NEVER_NULL = (exp.Literal, exp.Boolean, exp.Placeholder, exp.Exists, exp.Is, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Count)


@dataclass(frozen=True, order=True)
class Need:
    """Values a query asks for of a column whose values audit.yaml declares: one of them must occur, or nothing was looked at."""

    table: str
    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Analysis:
    """What a query reads and what it may not know.

    `reads`: columns by table. `negative`: tables where losing rows could invent a finding or go unnoticed.
    `scope_query`: SQL that returns the resources whose place in the population is not known, or None. With `grouped`, such a row
    changes others, so that its resource is unknown whatever the query says of it; else a definite failure stays one.
    `probes`: (table, column) that decide out of sight: a NULL there, unless the column's `absent_when` is true, makes the rule uncertain.
    `ok_can_be_null`: whether inline tests must hold an unknown. `needs`: what audit.yaml must have declared.
    """

    reads: Mapping[str, frozenset[str]]
    negative: frozenset[str]
    scope_query: str | None
    grouped: bool
    probes: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    ok_can_be_null: bool
    needs: tuple[Need, ...]


@cache
def analyse(sql: str) -> Analysis:
    """Analyse a query that passed the gate; RuleError when a column does not exist or is ambiguous."""
    try:
        return _Visitor(parse(sql)).analysis()
    except RecursionError as error:
        raise RuleError("the query is nested too deeply; flatten it.", fr="la requête est trop imbriquée ; aplatissez-la.") from error


def parse(sql: str) -> exp.Query:
    """The query as a tree in which every column names its table."""
    try:
        tree = sqlglot.parse_one(sql, dialect=DIALECT)
        if any(node.depth > MAX_DEPTH for node in tree.walk()):
            raise RecursionError
        qualified = qualify(tree, schema=_schema(), dialect=DIALECT, quote_identifiers=False)
    except SqlglotError as error:
        reason = " ".join(str(error).split())
        raise RuleError(f"{reason[:200]}; correct the query.", fr=f"{reason[:200]} ; corrigez la requête.") from error
    if not isinstance(qualified, exp.Query):
        raise RuleError("not a SELECT; correct the query.", fr="ce n’est pas un SELECT ; corrigez la requête.")
    return qualified


@cache
def _schema() -> MappingSchema:
    return MappingSchema({name: {column.name: column.type for column in table.columns} for name, table in ALL.items()}, dialect=DIALECT)


def scope(tree: exp.Query) -> tuple[str | None, bool]:
    """`scope_query` and `grouped` of a tree made by `parse`, without the rest of the analysis."""
    branches = list(_branches(tree))
    return _scope_query(tree, branches), any(map(_aggregates, branches))


def deciding(tree: exp.Query) -> tuple[list[exp.Expr], list[exp.Select]]:
    """Expressions that decide an outcome (nested queries are listed apart), and the SELECTs they belong to; evidence is in neither."""
    visitor = _Visitor(tree)
    return visitor.expressions, visitor.selects


@dataclass
class _Visitor:
    tree: exp.Query
    probes: set[tuple[str, str]] = field(default_factory=set)
    negative: set[str] = field(default_factory=set)
    expressions: list[exp.Expr] = field(default_factory=list)
    selects: list[exp.Select] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scopes = {id(scope.expression): scope for scope in traverse_scope(self.tree)}
        self.visited: set[tuple[int, frozenset[str]]] = set()
        self.branches = list(_branches(self.tree))
        self.scope_query = _scope_query(self.tree, self.branches)
        names = frozenset(self.tree.named_selects[:2])
        self.visit(self.tree, names)

    def analysis(self) -> Analysis:
        return Analysis(
            reads=self.reads(),
            negative=frozenset(self.negative),
            scope_query=self.scope_query,
            grouped=any(map(_aggregates, self.branches)),
            probes=tuple(sorted(self.probes)),
            columns=tuple(self.tree.named_selects),
            ok_can_be_null=any(len(branch.selects) > 1 and self.nullable(branch.selects[1], branch) for branch in self.branches)
            or not self.branches,
            needs=tuple(sorted(set(self.needs()))),
        )

    def reads(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {name: set() for name in self.tables(self.tree)}
        for scope in self.scopes.values():
            for column in scope.columns:
                source = self.source(column, scope)
                if isinstance(source, exp.Table):
                    found[source.name].add(column.name)
        return {name: frozenset(found[name]) for name in sorted(found)}

    def tables(self, node: exp.Expr) -> set[str]:
        """Base tables under a node, through its CTEs."""
        found: set[str] = set()
        pending, seen = [node], set()
        while pending:
            for table in pending.pop().find_all(exp.Table):
                source = self.table_source(table)
                if source is None:
                    found.add(table.name)
                elif id(source) not in seen:
                    seen.add(id(source))
                    pending.append(source)
        return found

    def table_source(self, table: exp.Table) -> exp.Expr | None:
        """The CTE query a table name stands for, None for a base table."""
        if table.name in ALL:
            return None
        ancestor: exp.Expr | None = table
        while ancestor is not None:
            with_ = ancestor.args.get("with_")
            for cte in with_.expressions if with_ else ():
                if cte.alias == table.name:
                    query: exp.Expr = cte.this
                    return query
            ancestor = ancestor.parent
        raise RuleError(
            f"there is no table {table.name}; correct the query.", fr=f"la table {table.name} n’existe pas ; corrigez la requête."
        )

    def source(self, column: exp.Column, scope: Scope) -> exp.Table | Scope | None:
        """What a column comes from, looking outwards for correlated ones; None for an alias of the query itself."""
        outer: Scope | None = scope
        while outer is not None:
            if column.table in outer.sources:
                found: exp.Table | Scope = outer.sources[column.table]
                return found
            outer = outer.parent
        return None

    def needs(self) -> Iterator[Need]:
        """Values compared with a declared column by = or IN; <> and NOT need none of them."""
        for scope in self.scopes.values():
            for node in scope.find_all(exp.EQ, exp.In):
                sides = (node.this, exp.Tuple(expressions=node.expressions)) if isinstance(node, exp.In) else (node.this, node.expression)
                if _negated(node) or node.args.get("query"):
                    continue
                for one, other in (sides, sides[::-1]):
                    values = [literal.name for literal in _literals(other)]
                    for column in one.find_all(exp.Column) if values else ():
                        for table, name in self.origins(column, scope):
                            yield from _needs(table, name, values)

    def origins(self, column: exp.Column, scope: Scope) -> Iterator[tuple[str, str]]:
        """Columns of base tables a column is made of, through CTEs and derived tables."""
        source = self.source(column, scope)
        if isinstance(source, exp.Table):
            yield source.name, column.name
        elif source is not None:
            query = source.expression
            names = query.named_selects if isinstance(query, exp.Query) else []
            for branch in _branches(query) if column.name in names else ():
                for inner in branch.selects[names.index(column.name)].find_all(exp.Column):
                    yield from self.origins(inner, self.scopes[id(branch)])

    def visit(self, query: exp.Expr, needed: frozenset[str]) -> None:
        """Record how the columns `needed` of a query, and the existence of its rows, come about."""
        query = query.unnest() if isinstance(query, exp.Subquery) else query
        if (id(query), needed) in self.visited:
            return
        self.visited.add((id(query), needed))
        if isinstance(query, exp.SetOperation):
            self.visit_set(query, needed)
        elif isinstance(query, exp.Select):
            self.visit_select(query, needed)

    def visit_set(self, query: exp.SetOperation, needed: frozenset[str]) -> None:
        names = query.named_selects
        everything = query.args.get("distinct") is not False or not isinstance(query, exp.Union)
        for side in (query.left, query.right):
            own = side.named_selects
            self.visit(side, frozenset(own if everything else (mine for name, mine in zip(names, own, strict=True) if name in needed)))
        if isinstance(query, exp.Except):
            self.negative |= self.tables(query.right)

    def visit_select(self, select: exp.Select, needed: frozenset[str]) -> None:
        if not any(select is known for known in self.selects):
            self.selects.append(select)
        top = any(select is branch for branch in self.branches)
        if _aggregates(select):
            self.negative |= self.tables(select)
        self.negative |= {name for name in self.tables(select) if ALL[name].summary}
        wanted: dict[str, set[str]] = {name: set() for name in self.scopes[id(select)].selected_sources}
        for projection in select.selects:
            if projection.alias_or_name in needed or select.args.get("distinct"):
                self.decide(projection, select, wanted, kleene=top and projection is select.selects[1], condition=False)
        if where := select.args.get("where"):
            self.decide(where.this, select, wanted, kleene=top and self.scope_query is not None, condition=True)
        for join in select.args.get("joins") or ():
            if join.side in ("LEFT", "RIGHT", "FULL") or join.kind == "ANTI":
                self.negative |= self.tables(join.this)
            if condition := join.args.get("on"):
                self.decide(condition, select, wanted, kleene=False, condition=True)
        for clause in _clauses(select):
            self.decide(clause, select, wanted, kleene=False, condition=False)
        for name, columns in wanted.items():
            source = self.scopes[id(select)].sources.get(name)
            if isinstance(source, Scope):
                self.visit(source.expression, frozenset(columns))

    def decide(self, root: exp.Expr, select: exp.Select, wanted: dict[str, set[str]], *, kleene: bool, condition: bool) -> None:
        """Record one deciding expression: `kleene` where a NULL shows in `ok` or in the scope query, `condition` for WHERE and ON."""
        if not any(root is known for known in self.expressions):
            self.expressions.append(root)
        scope = self.scopes[id(select)]
        for node in root.walk(prune=lambda node: isinstance(node, exp.Query)):
            if isinstance(node, exp.Query):
                if not (condition and _climbs(node, root, _POSITIVE)):
                    self.negative |= self.tables(node)
                self.visit(node, frozenset() if isinstance(node.parent, exp.Exists) else frozenset(node.named_selects))
                self.correlated(node, scope)
            elif isinstance(node, exp.Column):
                source = self.source(node, scope)
                if isinstance(source, Scope):
                    wanted.setdefault(node.table, set()).add(node.name)
                elif isinstance(source, exp.Table) and not (kleene and _climbs(node, root, _KLEENE)):
                    self.probes.add((source.name, node.name))

    def correlated(self, query: exp.Query, scope: Scope) -> None:
        """Columns of an outer CTE that a nested query uses: the CTE must be visited for them too."""
        for column in query.find_all(exp.Column):
            source = self.source(column, scope)
            if isinstance(source, Scope) and column.table in scope.sources:
                self.visit(source.expression, frozenset({column.name}))

    def nullable(self, node: exp.Expr, select: exp.Select) -> bool:
        """Whether an expression of `select` can be NULL while every key column is known."""
        if isinstance(node, _NEVER_NULL):
            return False
        if isinstance(node, exp.Column):
            return self.nullable_column(node, select)
        if isinstance(node, exp.Subquery):
            inner = node.unnest()
            if isinstance(inner, exp.Select) and _aggregates(inner) and not inner.args.get("group"):
                return self.nullable(inner.selects[0], inner)
            return True
        if isinstance(node, exp.Coalesce):
            return all(self.nullable(item, select) for item in (node.this, *node.expressions))
        if isinstance(node, exp.In) and (query := node.args.get("query")):
            inner = query.unnest()
            known = isinstance(inner, exp.Select) and not self.nullable(inner.selects[0], inner)
            return self.nullable(node.this, select) or not known
        if isinstance(node, exp.Case):
            ends = [branch.args["true"] for branch in node.args["ifs"]] + [node.args.get("default") or exp.null()]
            return any(self.nullable(end, select) for end in ends)
        if isinstance(node, (exp.Alias, exp.Filter)):
            return self.nullable(node.this, select)
        if isinstance(node, _KLEENE):
            return any(self.nullable(child, select) for child in node.iter_expressions() if not isinstance(child, (exp.DataType, exp.Var)))
        return True

    def nullable_column(self, column: exp.Column, select: exp.Select) -> bool:
        source = self.source(column, self.scopes[id(select)])
        outer = {join.this.alias_or_name for join in select.args.get("joins") or () if join.side == "LEFT"}
        if source is None or column.table in outer:
            return True
        if isinstance(source, exp.Table):
            return column.name not in ALL[source.name].key
        inner = source.expression
        if not isinstance(inner, exp.Select):
            return True
        return any(self.nullable(item, inner) for item in inner.selects if item.alias_or_name == column.name)


def _negated(node: exp.Expr) -> bool:
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return isinstance(parent, exp.Not)


def _literals(side: exp.Expr) -> list[exp.Literal]:
    items = side.expressions if isinstance(side, exp.Tuple) else [side]
    return [item for item in items if isinstance(item, exp.Literal) and item.is_string]


def _needs(table: str, column: str, values: list[str]) -> Iterator[Need]:
    """A role is wanted by each of its names, of kinds one of several is enough."""
    declared = ALL[table].column(column).declared
    if declared == "groups":
        yield from (Need(table, column, (value,)) for value in values)
    elif declared == "kinds" and not _GIVEN & set(values):
        yield Need(table, column, tuple(sorted(values)))


def _branches(query: exp.Expr) -> Iterator[exp.Select]:
    """The outermost SELECTs, when the query is one SELECT or a UNION ALL of such; nothing otherwise."""
    if isinstance(query, exp.Select):
        yield query
    elif isinstance(query, exp.Subquery):
        yield from _branches(query.unnest())
    elif isinstance(query, exp.Union) and query.args.get("distinct") is False:
        left, right = list(_branches(query.left)), list(_branches(query.right))
        if left and right:
            yield from left
            yield from right


def _own(select: exp.Select) -> Iterator[exp.Expr]:
    """Nodes of a SELECT's own expressions, without its sources and nested queries."""
    roots = [*select.selects, *_clauses(select)]
    if where := select.args.get("where"):
        roots.append(where.this)
    for root in roots:
        yield from root.walk(prune=lambda node: isinstance(node, exp.Query))


def _aggregates(select: exp.Select) -> bool:
    """Whether rows of a SELECT depend on other rows: groups, aggregates, windows, LIMIT, DISTINCT ON."""
    distinct = select.args.get("distinct")
    if any(select.args.get(part) for part in ("group", "having", "qualify", "limit")) or (distinct and distinct.args.get("on")):
        return True
    return any(isinstance(node, (exp.AggFunc, exp.Window)) for node in _own(select))


def _clauses(select: exp.Select) -> Iterator[exp.Expr]:
    """Deciding expressions of GROUP BY, HAVING, QUALIFY, DISTINCT ON and, with LIMIT, ORDER BY.

    A grouping column beside the whole key of its own table decides nothing: it only carries evidence.
    """
    grouped: list[exp.Expr] = select.args["group"].expressions if select.args.get("group") else []
    columns = {(column.table, column.name) for column in grouped if isinstance(column, exp.Column)}
    own = [table for table in select.find_all(exp.Table) if table.parent_select is select and table.name in ALL]
    keys = {table.alias_or_name: ALL[table.name].key for table in own}
    whole = {alias: key for alias, key in keys.items() if all((alias, name) in columns for name in key)}
    for column in grouped:
        if not (isinstance(column, exp.Column) and column.table in whole and column.name not in whole[column.table]):
            yield column
    for part in ("having", "qualify"):
        if clause := select.args.get(part):
            yield clause.this
    distinct = select.args.get("distinct")
    if distinct and (on := distinct.args.get("on")):
        yield on
        chosen = True
    else:
        chosen = bool(select.args.get("limit"))
    if chosen and (order := select.args.get("order")):
        yield from order.expressions


def _climbs(node: exp.Expr, root: exp.Expr, through: tuple[type[exp.Expr], ...]) -> bool:
    """Whether only nodes of the given kinds lie between a node and `root`, both ends of the way up included except the node."""
    child = node
    while child is not root:
        parent = child.parent
        if parent is None:
            return False
        branch = (isinstance(parent, exp.If) and child.arg_key == "true") or isinstance(parent, exp.Case)
        if not (isinstance(parent, (exp.Alias, *through)) or (branch and child.arg_key != "this" and through is _KLEENE)):
            return False
        child = parent
    return True


def _scope_query(tree: exp.Query, branches: list[exp.Select]) -> str | None:
    """SQL for the resources whose place in the outermost WHERE is not known; None when there is no WHERE or no way to tell."""
    parts = []
    for branch in branches:
        resource = branch.selects[0].unalias()
        if any(isinstance(node, (exp.AggFunc, exp.Window)) for node in resource.walk()):
            return None
        if where := branch.args.get("where"):
            part = exp.Select(expressions=[exp.alias_(resource.copy(), "resource")])
            part.set("from_", branch.args["from_"].copy())
            part.set("joins", [join.copy() for join in branch.args.get("joins") or ()])
            part.set("distinct", exp.Distinct())
            part.set("where", exp.Where(this=exp.Is(this=exp.Paren(this=where.this.copy()), expression=exp.null())))
            parts.append(part)
    if not parts:
        return None
    query: exp.Query = parts[0]
    for part in parts[1:]:
        query = exp.Union(this=query, expression=part, distinct=False)
    if with_ := tree.args.get("with_"):
        query.set("with_", with_.copy())
    return query.sql(dialect=DIALECT)
