"""Joins tagged PDFs into one that is tagged as well: pages, structure, reading order and bookmarks.

Each of them keeps its pages and its page numbers. Their structure trees become the children of one; the numbers by
which pages find their tags, and the ids by which table cells name their headers, are made unique (ISO 32000-1,
14.7.4). What a file says of itself (PDF/UA-1, language, color profile) is taken from the first: they are all made
by `pdf.render`.

Typst writes every object as plain bytes with a classic table of where they are. So no object is read into values
and written again, which took 48 ms for a statement: its bytes get new numbers where they name another object, and
are copied. What none of the objects says in another way than Typst does is refused, never guessed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterable
from html import escape
from typing import Final

_OBJECT: Final = re.compile(rb"(\d+) 0 obj\n")
_ENTRY: Final = re.compile(rb"(\d{10}) \d{5} n")
_STREAM: Final = b"\nstream\n"
#: What has to be found outside of texts: where texts begin and end, and what is renumbered or renamed.
_TOKEN: Final = re.compile(
    rb"[()\]]|\\.|(?<![\w.])(?P<ref>\d+) 0 R|/StructParents? (?P<number>\d+)"
    rb"|(?P<named>/ID(?=\())|(?P<headers>/Headers\[)",
    re.DOTALL,
)
_DOCUMENT: Final = b"/S/Document/P "


def join(pdfs: Iterable[tuple[str, bytes]], *, title: str) -> Generator[None, None, bytes]:
    """One PDF of those given with the name of each, which becomes its bookmark. `title` names the whole.

    Yields after each of them, so that whoever joins thousands can do something else in between; returns the whole.
    Raises ValueError where there are none, or where one is not tagged or not written as Typst writes.
    """
    joined = _Joined()
    for name, pdf in pdfs:
        joined.append(name, _Source(pdf))
        yield
    return joined.write(title)


class _Source:
    """One PDF: its objects as bytes, by their numbers, and what its catalog and structure say."""

    def __init__(self, pdf: bytes) -> None:
        self.objects = _read_objects(pdf)
        trailer = pdf[pdf.rindex(b"trailer") :]
        self.root = _number(trailer, b"/Root")
        self.catalog = self.objects[self.root]
        if b"/StructTreeRoot" not in self.catalog:
            raise ValueError("A PDF without tags can't be joined to tagged ones.")
        self.tree_number = _number(self.catalog, b"/StructTreeRoot")
        self.pages = _number(self.catalog, b"/Pages")
        tree = self.objects[self.tree_number]
        self.roles = _find(rb"/RoleMap<<([^<>]*)>>", tree)
        self.children = [int(each) for each in re.findall(rb"(\d+) 0 R", _find(rb"/K\[([^\]]*)\]", tree))]
        self.parents = re.findall(rb"(\d+) (\d+) 0 R", _find(rb"/ParentTree<</Nums\[([^\]]*)\]", tree))
        named = rb"/IDTree<</Names\[([^\]]*)\]"
        self.ids = re.findall(rb"\((\w+)\)(\d+) 0 R", _find(named, tree)) if b"/IDTree" in tree else []
        self.next_number = int(_find(rb"/ParentTreeNextKey (\d+)", tree))
        self.metadata = _number(self.catalog, b"/Metadata")
        self.of_the_file = {self.root, self.tree_number, _number(trailer, b"/Info"), self.metadata}
        if b"/Outlines" in self.catalog:
            self.of_the_file |= {n for n, each in self.objects.items() if _is_bookmark(each)}

    def first_page(self) -> int:
        number = self.pages
        while b"/Type/Pages" in self.objects[number]:
            number = int(_find(rb"/Kids\[(\d+) 0 R", self.objects[number]))
        return number


class _Joined:
    def __init__(self) -> None:
        self.out = bytearray(b"%PDF-1.7\n%\x80\x80\x80\x80\n\n")
        self.places: dict[int, int] = {}  #: where each object begins
        self.next_object = 1
        self.catalog, self.page_root, self.tree, self.whole, self.marks, self.metadata = (
            self._new() for _ in range(6)
        )
        self.said = b""  #: what the first file's catalog says of the file
        self.metadata_of_first = b""
        self.roles: dict[bytes, bytes] = {}
        self.documents: list[int] = []
        self.pages: list[tuple[int, int]] = []  #: a file's page tree and how many pages it has
        self.bookmarks: list[tuple[str, int]] = []
        self.parents: list[bytes] = []
        self.ids: list[tuple[bytes, int]] = []
        self.next_number = 0
        self.seen: dict[bytes, int] = {}  #: streams, such as the color profile, that were written before

    def append(self, name: str, source: _Source) -> None:
        prefix = b"D%d-" % (sum(count for _, count in self.pages) + 1)
        kept = {n: each for n, each in source.objects.items() if n not in source.of_the_file}
        numbers = {source.tree_number: self.tree}
        repeated = set()
        for number, content in kept.items():
            digest = hashlib.sha256(content).digest() if _is_the_same_anywhere(content) else b""
            if digest in self.seen:
                numbers[number] = self.seen[digest]
                repeated.add(number)
                continue
            numbers[number] = self._new()
            if digest:
                self.seen[digest] = numbers[number]
        for number in source.children:
            # A part of the whole: no more than one element may be the document itself.
            begin, mark, rest = kept[number].partition(_DOCUMENT)
            if not mark:
                raise ValueError("The structure of a PDF does not begin with a document.")
            kept[number] = begin + b"/S/Part/P " + rest
            self.documents.append(numbers[number])
        for number, content in kept.items():
            if number in repeated:
                continue
            head, stream, body = content.partition(_STREAM)
            new = _renumber(head, numbers, self.next_number, prefix)
            if number == source.pages:
                new = new.replace(b"/Type/Pages", b"/Type/Pages/Parent %d 0 R" % self.page_root, 1)
            elif number in source.children:
                new = new.replace(b"/S/Part/P %d 0 R" % self.tree, b"/S/Part/P %d 0 R" % self.whole, 1)
            self._write(numbers[number], new + stream + body)
        self._note(name, source, numbers, prefix)

    def _note(self, name: str, source: _Source, numbers: dict[int, int], prefix: bytes) -> None:
        if not self.pages:
            self.said = _renumber(_what_the_file_says(source.catalog), numbers, 0, b"")
            self.metadata_of_first = source.objects[source.metadata]
        roles = re.findall(rb"/(\w+)/(\w+)", source.roles)
        self.roles |= dict(roles)
        self.bookmarks.append((name, numbers[source.first_page()]))
        self.pages.append(
            (numbers[source.pages], int(_find(rb"/Count (\d+)", source.objects[source.pages])))
        )  # fmt: skip
        self.parents += [
            b"%d %d 0 R" % (int(number) + self.next_number, numbers[int(tags)]) for number, tags in source.parents
        ]
        self.ids += [(prefix + each, numbers[int(element)]) for each, element in source.ids]
        self.next_number += source.next_number

    def write(self, title: str) -> bytes:
        if not self.documents:
            raise ValueError("There is nothing to join.")
        kids = b" ".join(b"%d 0 R" % number for number, _ in self.pages)
        count = sum(count for _, count in self.pages)
        self._write(self.page_root, b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids))
        parts = b" ".join(b"%d 0 R" % number for number in self.documents)
        self._write(self.whole, b"<</Type/StructElem/S/Document/P %d 0 R/K[%s]>>" % (self.tree, parts))
        self._write_tree()
        self._write_bookmarks()
        self._write(self.metadata, _entitle(self.metadata_of_first, title))
        # No /Info: the metadata say it all; a second place could differ from them.
        self._write(
            self.catalog,
            b"<</Type/Catalog/Pages %d 0 R/Metadata %d 0 R/StructTreeRoot %d 0 R/Outlines %d 0 R%s>>"
            % (self.page_root, self.metadata, self.tree, self.marks, self.said),
        )
        return self._end()

    def _write_tree(self) -> None:
        roles = b"".join(b"/%s/%s" % pair for pair in self.roles.items())
        # A name tree is searched by halves: in the order of its bytes.
        names = b"".join(b"(%s)%d 0 R" % pair for pair in sorted(self.ids))
        self._write(
            self.tree,
            b"<</Type/StructTreeRoot/RoleMap<<%s>>/K[%d 0 R]/ParentTree<</Nums[%s]>>%s/ParentTreeNextKey %d>>"
            % (
                roles, self.whole, b" ".join(self.parents),
                b"/IDTree<</Names[%s]>>" % names if names else b"", self.next_number,
            ),
        )  # fmt: skip

    def _write_bookmarks(self) -> None:
        first, last = self.next_object, self.next_object + len(self.bookmarks) - 1
        for name, page in self.bookmarks:
            number = self._new()
            beside = b"/Prev %d 0 R" % (number - 1) if number > first else b""
            beside += b"/Next %d 0 R" % (number + 1) if number < last else b""
            text = b"<FEFF" + name.encode("utf-16-be").hex().upper().encode() + b">"
            self._write(
                number,
                b"<</Parent %d 0 R%s/Title%s/Dest[%d 0 R/Fit]>>" % (self.marks, beside, text, page),
            )
        self._write(
            self.marks,
            b"<</Type/Outlines/First %d 0 R/Last %d 0 R/Count %d>>" % (first, last, len(self.bookmarks)),
        )

    def _end(self) -> bytes:
        begin, size = len(self.out), self.next_object
        identifier = hashlib.sha256(self.out).hexdigest()[:32].encode()
        self.out += b"xref\n0 %d\n0000000000 65535 f\r\n" % size
        for number in range(1, size):
            self.out += b"%010d 00000 n\r\n" % self.places[number]
        self.out += b"trailer\n<</Size %d/Root %d 0 R/ID[<%s><%s>]>>\nstartxref\n%d\n%%%%EOF" % (
            size, self.catalog, identifier, identifier, begin,
        )  # fmt: skip
        return bytes(self.out)

    def _new(self) -> int:
        self.next_object += 1
        return self.next_object - 1

    def _write(self, number: int, content: bytes) -> None:
        self.places[number] = len(self.out)
        self.out += b"%d 0 obj\n%s\nendobj\n\n" % (number, content)


def _read_objects(pdf: bytes) -> dict[int, bytes]:
    """Each object's bytes between `obj` and `endobj`, found by the table at the file's end."""
    table = pdf.rfind(b"\nxref")
    places = sorted(int(place) for place in _ENTRY.findall(pdf, table)) if table >= 0 else []
    found: dict[int, bytes] = {}
    for begin, end in zip(places, [*places[1:], table], strict=False):
        head = _OBJECT.match(pdf, begin)
        last = pdf.rfind(b"\nendobj", begin, end + 1)
        if head is None or last < 0:
            raise ValueError("A PDF is not written as Typst writes.")
        found[int(head.group(1))] = pdf[head.end() : last]
    if not found:
        raise ValueError("A PDF is not written as Typst writes.")
    return found


def _renumber(content: bytes, numbers: dict[int, int], first_number: int, prefix: bytes) -> bytes:
    """The bytes of an object with the numbers and names that hold in the whole. Texts stay as they are."""
    made: list[bytes] = []
    done = depth = 0
    is_name = in_headers = False
    for token in _TOKEN.finditer(content):
        mark = token.group()
        if mark == b"(":
            depth += 1
            if depth == 1 and (is_name or in_headers):
                made += [content[done : token.end()], prefix]
                done = token.end()
                is_name = False
        elif mark == b")":
            depth -= 1
        elif depth:
            continue
        elif mark == b"]":
            in_headers = False
        elif token["ref"]:
            made += [content[done : token.start()], b"%d 0 R" % numbers[int(token["ref"])]]
            done = token.end()
        elif token["number"]:
            at = token.start("number")
            made += [content[done:at], b"%d" % (int(token["number"]) + first_number)]
            done = token.end()
        elif token["headers"]:
            in_headers = True
        elif token["named"]:
            is_name = True
    return b"".join([*made, content[done:]])


def _is_bookmark(content: bytes) -> bool:
    return content.startswith(b"<</Type/Outlines") or (content.startswith(b"<</Parent ") and b"/Title" in content)


def _is_the_same_anywhere(content: bytes) -> bool:
    """A stream that names no other object: a font, a picture without a mask, the color profile."""
    head, stream, _ = content.partition(_STREAM)
    return bool(stream) and b" 0 R" not in head


def _what_the_file_says(catalog: bytes) -> bytes:
    """The catalog's language, marks and profile, without what is written anew."""
    inner = catalog.removeprefix(b"<<").removesuffix(b">>")
    return re.sub(rb"/Type/Catalog|/(?:Pages|Metadata|StructTreeRoot|Outlines|Names|Dests) \d+ 0 R", b"", inner)


def _number(content: bytes, key: bytes) -> int:
    return int(_find(re.escape(key) + rb" (\d+) 0 R", content))


def _find(pattern: bytes, content: bytes) -> bytes:
    found = re.search(pattern, content)
    if found is None:
        raise ValueError("A PDF is not written as Typst writes.")
    return found.group(1)


def _entitle(metadata: bytes, title: str) -> bytes:
    """The first file's metadata, which are not compressed (PDF/A), with another title."""
    head, stream, body = metadata.partition(_STREAM)
    before, mark, rest = body.removesuffix(b"\nendstream").partition(b'<rdf:li xml:lang="x-default">')
    _, end, after = rest.partition(b"</rdf:li>")
    if not (mark and end):
        raise ValueError("A PDF is not written as Typst writes.")
    text = before + mark + escape(title).encode() + end + after
    return re.sub(rb"/Length \d+", b"/Length %d" % len(text), head) + stream + text + b"\nendstream"
