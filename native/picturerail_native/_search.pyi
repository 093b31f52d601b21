"""The module that cffi makes of picturerail_search.h: the C interface as Python sees it.

Handles, structures and buffers are `CData`; what each function means stands in the header.
"""

from typing import Final, type_check_only

from _cffi_backend import FFI

@type_check_only
class _Library:
    PRSE_ABI_VERSION: Final[int]
    PRSE_UUID_BYTES: Final[int]
    PRSE_MESSAGE_BYTES: Final[int]
    PRSE_OK: Final[int]
    PRSE_NOT_FOUND: Final[int]
    PRSE_INVALID: Final[int]
    PRSE_IO: Final[int]
    PRSE_CORRUPT: Final[int]
    PRSE_UNSUPPORTED: Final[int]
    PRSE_FOREIGN: Final[int]
    PRSE_INTERNAL: Final[int]
    PRSE_OUTDATED: Final[int]
    PRSE_EXACT: Final[int]
    PRSE_PREFIX: Final[int]
    PRSE_PHRASE: Final[int]
    PRSE_NEIGHBOUR: Final[int]
    PRSE_TYPO: Final[int]
    PRSE_FORM: Final[int]
    PRSE_STRICT: Final[int]
    PRSE_NO_TYPOS: Final[int]
    PRSE_NO_COUNT: Final[int]
    PRSE_NO_REASONS: Final[int]
    PRSE_PLAIN: Final[int]
    PRSE_BY_SCORE: Final[int]
    PRSE_BY_ORDER: Final[int]
    PRSE_BY_ORDER_UP: Final[int]
    PRSE_BY_NAME: Final[int]

    def prse_abi_version(self) -> int: ...
    def prse_writer_open(
        self,
        path: bytes | FFI.CData,
        uuid: FFI.CData,
        language: bytes | FFI.CData,
        writer: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_destroy(self, path: bytes | FFI.CData, error: FFI.CData) -> int: ...
    def prse_put(
        self,
        writer: FFI.CData,
        doc_id: int,
        order: int,
        fields: FFI.CData,
        count: int,
        error: FFI.CData,
    ) -> int: ...
    def prse_put_packed(
        self,
        writer: FFI.CData,
        doc_id: int,
        order: int,
        fields: bytes | FFI.CData,
        length: int,
        error: FFI.CData,
    ) -> int: ...
    def prse_remove(self, writer: FFI.CData, doc_id: int, error: FFI.CData) -> int: ...
    def prse_set_neighbours(
        self,
        writer: FFI.CData,
        tag: FFI.CData,
        words: FFI.CData,
        count: int,
        error: FFI.CData,
    ) -> int: ...
    def prse_put_vector(
        self,
        writer: FFI.CData,
        doc_id: int,
        space: FFI.CData,
        values: FFI.CData,
        count: int,
        error: FFI.CData,
    ) -> int: ...
    def prse_commit(self, writer: FFI.CData, seq: int, error: FFI.CData) -> int: ...
    def prse_compact(self, writer: FFI.CData, error: FFI.CData) -> int: ...
    def prse_writer_seq(self, writer: FFI.CData, seq: FFI.CData, error: FFI.CData) -> int: ...
    def prse_writer_info(self, writer: FFI.CData, info: FFI.CData, error: FFI.CData) -> int: ...
    def prse_writer_close(self, writer: FFI.CData) -> None: ...
    def prse_reader_open(
        self,
        path: bytes | FFI.CData,
        reader: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_reader_refresh(
        self,
        reader: FFI.CData,
        changed: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_reader_close(self, reader: FFI.CData) -> None: ...
    def prse_reader_info(self, reader: FFI.CData, info: FFI.CData, error: FFI.CData) -> int: ...
    def prse_search(
        self,
        reader: FFI.CData,
        query: FFI.CData,
        options: FFI.CData,
        skip: int,
        hits: FFI.CData,
        capacity: int,
        count: FFI.CData,
        summary: FFI.CData,
        matches: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_best(
        self,
        reader: FFI.CData,
        query: bytes | FFI.CData,
        length: int,
        flags: int,
        hits: FFI.CData,
        capacity: int,
        count: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_matches_get(self, matches: FFI.CData, first: FFI.CData, count: FFI.CData) -> None: ...
    def prse_matches_facets(
        self, matches: FFI.CData, first: FFI.CData, count: FFI.CData
    ) -> None: ...
    def prse_matches_free(self, matches: FFI.CData) -> None: ...
    def prse_nearest(
        self,
        reader: FFI.CData,
        space: FFI.CData,
        values: FFI.CData,
        dimension: int,
        hits: FFI.CData,
        capacity: int,
        count: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_nearest_batch(
        self,
        reader: FFI.CData,
        space: FFI.CData,
        values: FFI.CData,
        dimension: int,
        queries: int,
        exact: int,
        hits: FFI.CData,
        capacity: int,
        counts: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_similar(
        self,
        reader: FFI.CData,
        space: FFI.CData,
        doc_id: int,
        hits: FFI.CData,
        capacity: int,
        count: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_documents(
        self,
        reader: FFI.CData,
        after: int,
        ids: FFI.CData,
        capacity: int,
        count: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_site_open(
        self,
        reader: FFI.CData,
        fields: FFI.CData,
        count: int,
        least_banded: int,
        most_banded: int,
        site: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_site_statistics(
        self, site: FFI.CData, numbers: FFI.CData, count: int, error: FFI.CData
    ) -> int: ...
    def prse_site_keys(
        self,
        site: FFI.CData,
        after: FFI.CData,
        limit: int,
        keys: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_site_terms(
        self,
        site: FFI.CData,
        keys: FFI.CData,
        count: FFI.CData,
        terms: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_site_frequent(
        self, site: FFI.CData, least: int, most: int, words: FFI.CData, error: FFI.CData, /
    ) -> int: ...
    def prse_site_beside(
        self,
        site: FFI.CData,
        stems: FFI.CData,
        count: int,
        whole: int,
        most: int,
        near: int,
        error: FFI.CData,
        /,
    ) -> int: ...
    def prse_site_lengths(
        self, site: FFI.CData, first: int, end: int, lengths: FFI.CData, error: FFI.CData, /
    ) -> int: ...
    def prse_site_near(
        self,
        site: FFI.CData,
        stems: FFI.CData,
        count: int,
        members: FFI.CData,
        pairs: int,
        near: FFI.CData,
        error: FFI.CData,
        /,
    ) -> int: ...
    def prse_site_together(
        self,
        site: FFI.CData,
        stems: FFI.CData,
        weights: FFI.CData,
        count: int,
        lengths: FFI.CData,
        fields: int,
        members: FFI.CData,
        combinations: int,
        together: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_site_close(self, site: FFI.CData) -> None: ...
    def prse_check(self, path: bytes | FFI.CData, error: FFI.CData) -> int: ...
    def prse_stem(
        self,
        word: FFI.CData,
        language: bytes | FFI.CData,
        stem: FFI.CData,
        capacity: int,
        length: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_stems(
        self,
        words: FFI.CData,
        language: bytes | FFI.CData,
        stems: FFI.CData,
        capacity: int,
        length: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_site_words(
        self,
        words: FFI.CData,
        told: FFI.CData,
        capacity: int,
        length: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_is_stop_word(
        self,
        word: FFI.CData,
        language: bytes | FFI.CData,
        stop: FFI.CData,
        error: FFI.CData,
    ) -> int: ...
    def prse_analyse(
        self,
        text: FFI.CData,
        tokens: FFI.CData,
        capacity: int,
        count: FFI.CData,
        terms: FFI.CData,
        term_capacity: int,
        term_length: FFI.CData,
        error: FFI.CData,
    ) -> int: ...

ffi: FFI
lib: _Library
