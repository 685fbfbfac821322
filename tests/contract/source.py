"""
source: which of TensorRT's names code uses on a given release, read from its text.

It knows TensorRT's objects by what holds them: a variable or attribute called ``engine``, or
``_engine``, holds an ICudaEngine (HOLDERS). What is annotated with a type other than Any, imported
or a literal is ours. Branches on ``<anything>.has.PROBE`` are followed as that release answers, and
so are calls: a function that is only ever called behind a probe is only read where it passes.
"""

import ast
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Set, Tuple

from tests.contract.holders import GIVEN, HOLDERS, MODULE
from tests.contract.names import VERSIONS, Names, names_of

OURS, UNKNOWN = "ours", "unknown"
PROBE = "ask a probe first: name it in PROBES of app/device/trt.py, and branch on api.has"
UNTOLD = (
    "If it is TensorRT's, call its holder as HOLDERS does ({}) and {}. If it is ours, annotate it"
)
EVER = frozenset().union(*(names_of(version).anywhere for version in VERSIONS))
LITERALS = (ast.List, ast.Dict, ast.Set, ast.Tuple, ast.JoinedStr, ast.ListComp, ast.DictComp)


class Found(NamedTuple):
    """A use of a name that the release lacks, and what to do about it."""

    place: str
    owner: str
    name: str
    advice: str

    def __str__(self) -> str:
        return "{0.place}: {0.name} on {0.owner}: {0.advice}".format(self)


class Function(NamedTuple):
    path: str
    node: ast.FunctionDef
    scope: Dict[str, str]
    is_method: bool


class Reading:
    """The text of some files as one release runs it: ``used`` (owner, name), and ``missing``."""

    def __init__(
        self,
        sources: Mapping[str, str],
        names: Names,
        probes: Mapping[str, bool],
        outside: Iterable[str] = (),
    ) -> None:
        """``outside``: what code elsewhere ``calls``."""
        self.used: Set[Tuple[str, str]] = set()
        self.missing: List[Found] = []
        self._names = names
        self._probes = probes
        self._called = set(outside)
        self._waiting: List[Function] = []
        self._path = ""
        trees = {path: ast.parse(text) for path, text in sources.items()}
        everywhere = set(self._called).union(*(loads(tree, path) for path, tree in trees.items()))
        for path, tree in trees.items():
            self._path = path
            self._block(tree.body, {})
        while True:
            ready = [one for one in self._waiting if self._live(one, everywhere)]
            if not ready:
                break
            for one in ready:
                self._waiting.remove(one)
                self._path = one.path
                self._block(one.node.body, one.scope)

    def _live(self, one: Function, everywhere: Set[str]) -> bool:
        """Whether it can be called: from what was read, or from where nobody can tell."""
        name = one.node.name
        place = " in " + one.path if name[0] == "_" else ""
        spellings = {"." + name + place} | (set() if one.is_method else {name + place})
        return name[:2] == "__" or bool(spellings & self._called) or not spellings & everywhere

    # Statements. A scope tells the owner of each local name.

    def _block(self, statements: List[ast.stmt], scope: Dict[str, str]) -> bool:
        """Whether it surely ends before its end."""
        return any(self._statement(one, scope) for one in statements)

    def _statement(self, node: ast.stmt, scope: Dict[str, str]) -> bool:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            self._definition(node, scope, is_method=False)
            return False
        if isinstance(node, ast.If):
            answer = self._answer(node.test)
            self._expression(node.test, scope)
            first = answer is False or self._block(node.body, scope)
            second = answer is True or self._block(node.orelse, scope)
            return first and second
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = alias.asname or alias.name.split(".")[0]
                scope[name] = HOLDERS.get(name, OURS) if alias.name == "tensorrt" else OURS
            return False
        if isinstance(node, ast.With):
            for item in node.items:
                if isinstance(item.optional_vars, ast.Name):
                    scope[item.optional_vars.id] = self._owner(item.context_expr, scope)
        self._parts(node, scope)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    scope[target.id] = self._owner(node.value, scope)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            scope[node.target.id] = annotated(node.annotation)
        return isinstance(node, (ast.Return, ast.Raise, ast.Continue, ast.Break)) or (
            isinstance(node, ast.Assert) and self._answer(node.test) is False
        )

    def _definition(self, node: ast.stmt, scope: Dict[str, str], is_method: bool) -> None:
        for decorator in node.decorator_list:
            self._expression(decorator, scope)
        if isinstance(node, ast.ClassDef):
            for parent in node.bases:
                self._expression(parent, scope)
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
                    self._definition(inner, scope, is_method=True)
                else:
                    self._statement(inner, dict(scope))
            return
        for default in node.args.defaults + [one for one in node.args.kw_defaults if one]:
            self._expression(default, scope)
        inside = _Inside(scope)
        for argument in node.args.args + node.args.kwonlyargs:
            inside[argument.arg] = annotated(argument.annotation)
        if is_method and node.args.args:
            inside[node.args.args[0].arg] = OURS
        self._waiting.append(Function(self._path, node, inside, is_method))

    def _parts(self, node: ast.AST, scope: Dict[str, str]) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                self._statement(child, scope)
            elif isinstance(child, ast.expr):
                self._expression(child, scope)
            else:
                self._parts(child, scope)  # with items, handlers, keywords, ...

    # Expressions

    def _expression(self, node: ast.expr, scope: Dict[str, str]) -> None:
        if isinstance(node, ast.BoolOp):
            stop = isinstance(node.op, ast.Or)
            for value in node.values:
                self._expression(value, scope)
                if self._answer(value) is stop:
                    break
            return
        if isinstance(node, ast.IfExp):
            self._expression(node.test, scope)
            answer = self._answer(node.test)
            if answer is not False:
                self._expression(node.body, scope)
            if answer is not True:
                self._expression(node.orelse, scope)
            return
        conditions = [one for part in getattr(node, "generators", ()) for one in part.ifs]
        if any(self._answer(one) is False for one in conditions):
            return
        named = isinstance(node, (ast.Attribute, ast.Name))
        if named and isinstance(node.ctx, ast.Load):
            self._called.add(_spelled(node, self._path))
        if isinstance(node, ast.Attribute):
            self._use(node, self._owner(node.value, scope), node.attr)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("getattr", "hasattr"):
            name = text_of(node.args[1])
            if name is not None:
                self._use(node, self._owner(node.args[0], scope), name)
        self._parts(node, scope)

    def _use(self, node: ast.expr, owner: str, name: str) -> None:
        place = "{}:{}".format(self._path, node.lineno)
        if is_has(getattr(node, "value", None)):
            if name not in self._probes:
                self.missing.append(Found(place, "has", name, "there is no such probe in PROBES"))
            return
        if owner == OURS or name[0] == "_" or name == "has":
            return
        self.used.add((owner, name))
        lacking = "TensorRT {} has no such name; ".format(self._names.version)
        if owner == UNKNOWN:
            if name in EVER and name not in self._names.anywhere | set(HOLDERS):
                advice = lacking + UNTOLD.format(", ".join(sorted(HOLDERS)), PROBE)
                self.missing.append(Found(place, "what nobody can tell", name, advice))
        elif name not in (
            self._names.module if owner == MODULE else self._names.classes.get(owner, ())
        ):
            self.missing.append(Found(place, owner, name, lacking + PROBE))

    def _owner(self, node: ast.expr, scope: Dict[str, str]) -> str:
        """The class of what an expression gives, MODULE, OURS or UNKNOWN."""
        if isinstance(node, ast.Name):
            known = scope.get(node.id, UNKNOWN)
            return HOLDERS.get(node.id.lstrip("_"), UNKNOWN) if known == UNKNOWN else known
        if isinstance(node, ast.Attribute):
            owner = self._owner(node.value, scope)
            if owner == MODULE:
                return node.attr if node.attr[:1].isupper() else UNKNOWN
            if owner not in (OURS, UNKNOWN) and node.attr.isupper():
                return owner  # a value of an enum
            if node.attr in GIVEN and owner != OURS:
                return GIVEN[node.attr]
            return HOLDERS.get(node.attr.lstrip("_"), UNKNOWN)
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ("open", "str", "bytes"):
                return OURS
            if name in GIVEN:
                return GIVEN[name]
            owner = self._owner(node.func, scope)
            return owner if owner in self._names.classes else UNKNOWN
        if isinstance(node, ast.IfExp):
            return self._owner(
                node.orelse if self._answer(node.test) is False else node.body, scope
            )
        return OURS if isinstance(node, LITERALS) or text_of(node) is not None else UNKNOWN

    def _answer(self, node: ast.expr) -> Optional[bool]:
        """What a condition comes to on this release; None where more than probes decide."""
        if isinstance(node, ast.Attribute) and is_has(node.value):
            return self._probes.get(node.attr)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            inner = self._answer(node.operand)
            return None if inner is None else not inner
        if isinstance(node, ast.BoolOp):
            stop = isinstance(node.op, ast.Or)
            answers = [self._answer(value) for value in node.values]
            if stop in answers:
                return stop
            return None if None in answers else not stop
        return None


class _Inside(dict):
    """A function's own names, over those around it as they are when it is called."""

    def __init__(self, around: Mapping[str, str]) -> None:
        super().__init__()
        self._around = around

    def get(self, name: str, default: str = UNKNOWN) -> str:
        return self[name] if name in self else self._around.get(name, default)


def is_has(node: Optional[ast.AST]) -> bool:
    return getattr(node, "attr", getattr(node, "id", "")) == "has"


def annotated(node: Optional[ast.expr]) -> str:
    """OURS for an annotation other than Any."""
    names = {getattr(one, "id", "") for one in ast.walk(node)} if node is not None else {"Any"}
    return UNKNOWN if "Any" in names else OURS


def text_of(node: ast.expr) -> Optional[str]:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def loads(tree: ast.AST, path: str) -> Set[str]:
    """``name`` and ``.attribute`` of all that is read anywhere, as _spelled spells them."""
    nodes = [one for one in ast.walk(tree) if isinstance(getattr(one, "ctx", None), ast.Load)]
    return {_spelled(one, path) for one in nodes if isinstance(one, (ast.Attribute, ast.Name))}


def calls(text: str) -> Set[str]:
    """The same of all that is called."""
    nodes = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.Call)]
    called = [one.func for one in nodes if isinstance(one.func, (ast.Attribute, ast.Name))]
    return {_spelled(one, "elsewhere") for one in called}


def _spelled(node: ast.expr, path: str) -> str:
    """Private names are of one file."""
    name = getattr(node, "attr", getattr(node, "id", ""))
    dot = "." if isinstance(node, ast.Attribute) else ""
    return dot + name + (" in " + path if name[0] == "_" else "")
