"""Joins tagged PDFs into one that is tagged as well: pages, structure, reading order and bookmarks.

Each of them keeps its pages and its page numbers. Their structure trees become the children of one; the numbers by
which pages find their tags, and the ids by which table cells name their headers, are made unique (ISO 32000-1,
14.7.4). What a file says of itself (PDF/UA-1, language, color profile) is taken from the first: they are all made
by `pdf.render`.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable, Iterator
from html import escape
from typing import IO, Any, cast

from pypdf import PageObject, PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

_OF_THE_FILE = ("/Lang", "/MarkInfo", "/OutputIntents", "/ViewerPreferences", "/Metadata")


def join(pdfs: Iterable[tuple[str, bytes]], *, title: str) -> Generator[None, None, bytes]:
    """One PDF of those given with the name of each, which becomes its bookmark. `title` names the whole.

    Yields after each of them, so that whoever joins thousands can do something else in between; returns the whole.
    Raises ValueError where there are none, or where one is not tagged.
    """
    joined = _Joined()
    for name, pdf in pdfs:
        joined.append(name, PdfReader(io.BytesIO(pdf)))
        yield
    return joined.write(title)


class _Written(PdfObject):
    """An object of the file that nothing changes any more, as its bytes."""

    def __init__(self, kept: PdfObject) -> None:
        out = io.BytesIO()
        kept.write_to_stream(out)
        self.content = out.getvalue()

    def write_to_stream(self, stream: IO[Any], encryption_key: str | bytes | None = None) -> None:
        stream.write(self.content)


class _Joined:
    def __init__(self) -> None:
        self.writer = PdfWriter()
        self.writer.get_outline_root()  # bookmarks are added to it until the end
        self.root = DictionaryObject({NameObject("/Type"): NameObject("/StructTreeRoot")})
        self.whole = DictionaryObject({NameObject("/Type"): NameObject("/StructElem")})
        self.root_ref, self.whole_ref = map(self.writer._add_object, (self.root, self.whole))
        self.documents = ArrayObject()
        self.parents = ArrayObject()  #: number, tags of the page with that number, and so on
        self.ids = ArrayObject()  #: id, the element with that id, and so on
        self.next_number = 0

    def append(self, name: str, reader: PdfReader) -> None:
        source = reader.root_object.get("/StructTreeRoot")
        if source is None:
            raise ValueError("A PDF without tags can't be joined to tagged ones.")
        first = len(self.writer.pages)
        if not first:
            self._copy_what_the_file_says(reader)
        first_object = len(self.writer._objects)
        self.writer.append(reader, import_outline=False)
        tree = cast(DictionaryObject, source.get_object().clone(self.writer))
        self._number_anew(self.writer.pages[first:], tree)
        self._name_anew(tree, f"D{first + 1}-")
        for document in cast(ArrayObject, tree["/K"]):
            # A part of the whole: no more than one element may be the document itself.
            element = cast(DictionaryObject, document.get_object())
            element |= {NameObject("/S"): NameObject("/Part"), NameObject("/P"): self.whole_ref}
            self.documents.append(document)
        if not first:
            self.root[NameObject("/RoleMap")] = tree["/RoleMap"]
        tree.clear()  # a tree of its own no longer
        self._write_down(first_object, reader)
        self.writer.add_outline_item(title=name, page_number=first)

    def write(self, title: str) -> bytes:
        if not self.documents:
            raise ValueError("There is nothing to join.")
        self.whole |= {
            NameObject("/S"): NameObject("/Document"),
            NameObject("/P"): self.root_ref,
            NameObject("/K"): self.documents,
        }
        self.root |= {
            NameObject("/K"): ArrayObject([self.whole_ref]),
            NameObject("/ParentTree"): DictionaryObject({NameObject("/Nums"): self.parents}),
            NameObject("/ParentTreeNextKey"): NumberObject(self.next_number),
        }
        if self.ids:
            self.root[NameObject("/IDTree")] = DictionaryObject({NameObject("/Names"): _sorted_names(self.ids)})
        about = self.writer.root_object
        about[NameObject("/StructTreeRoot")] = self.root_ref
        _entitle(cast(StreamObject, about["/Metadata"].get_object()), title)
        self.writer._info = None  # the metadata say it all; a second place could differ from them
        self.writer.generate_file_identifiers()
        out = io.BytesIO()
        self.writer.write(out)
        return out.getvalue()

    def _write_down(self, first_object: int, reader: PdfReader) -> None:
        """Keep what was added since `first_object` as the bytes that it becomes: a thirtieth of the memory.

        Nothing changes it any more. The pages stay as they are, since their tree is written at the end.
        """
        self.writer._resolve_links()
        self.writer._merged_in_pages.clear()
        self.writer._id_translated.pop(id(reader), None)  # another reader may get this one's id
        for number in range(first_object, len(self.writer._objects)):
            each = self.writer._objects[number]
            if isinstance(each, PageObject):
                del each.original_page  # it would keep the whole reader
            elif each is not None:
                self.writer._objects[number] = _Written(each)

    def _copy_what_the_file_says(self, reader: PdfReader) -> None:
        for key in _OF_THE_FILE:
            if key in reader.root_object:
                self.writer.root_object[NameObject(key)] = reader.root_object.raw_get(key).clone(self.writer)

    def _number_anew(self, pages: Iterable[PageObject], tree: DictionaryObject) -> None:
        """Pages, and links on them, find their tags by a number."""
        for page in pages:
            annotations = [each.get_object() for each in page.get("/Annots", ArrayObject()).get_object()]
            for holder, key in [(page, "/StructParents"), *((each, "/StructParent") for each in annotations)]:
                if key in holder:
                    holder[NameObject(key)] = NumberObject(int(holder[key]) + self.next_number)
        numbers = iter(cast(ArrayObject, cast(DictionaryObject, tree["/ParentTree"])["/Nums"]))
        for number, tags in zip(numbers, numbers, strict=True):
            self.parents += [NumberObject(int(cast(Any, number)) + self.next_number), tags]
        self.next_number += int(cast(Any, tree["/ParentTreeNextKey"]))

    def _name_anew(self, tree: DictionaryObject, prefix: str) -> None:
        """Header cells have ids, and other cells name them."""
        for element in _elements(tree):
            if "/ID" in element:
                element[NameObject("/ID")] = _prefixed(prefix, element["/ID"])
                self.ids += [element["/ID"], cast(PdfObject, element.indirect_reference)]
            attributes = element.get("/A")
            for each in attributes if isinstance(attributes, ArrayObject) else [attributes]:
                if isinstance(each, DictionaryObject) and "/Headers" in each:
                    headers = cast(ArrayObject, each["/Headers"])
                    each[NameObject("/Headers")] = ArrayObject(_prefixed(prefix, header) for header in headers)


def _elements(tree: DictionaryObject) -> Iterator[DictionaryObject]:
    """Every structure element below."""
    waiting: list[Any] = [tree["/K"]]
    while waiting:
        each = waiting.pop()
        each = each.get_object() if isinstance(each, IndirectObject) else each
        if isinstance(each, ArrayObject):
            waiting += each
        elif isinstance(each, DictionaryObject) and "/S" in each:
            yield each
            waiting += [each["/K"]] if "/K" in each else []


def _prefixed(prefix: str, name: Any) -> TextStringObject:
    return TextStringObject(prefix + (name.decode("latin-1") if isinstance(name, bytes) else str(name)))


def _sorted_names(pairs: ArrayObject) -> ArrayObject:
    """A name tree is searched by halves: in the order of its bytes."""
    names = iter(pairs)
    ordered = sorted(zip(names, names, strict=True), key=lambda pair: str(pair[0]).encode("latin-1"))
    return ArrayObject(part for pair in ordered for part in pair)


def _entitle(metadata: StreamObject, title: str) -> None:
    text = metadata.get_data().decode("utf-8")
    before, mark, rest = text.partition('<rdf:li xml:lang="x-default">')
    _, _, after = rest.partition("</rdf:li>")
    metadata.set_data(f"{before}{mark}{escape(title)}</rdf:li>{after}".encode())
