// The types of the site's scripts, for `tsc`; nothing of this is shipped.

type LoadBytes = (name: string) => Promise<Uint8Array>;

type BlockKind = "pictures" | "looks" | "lengths" | "values" | "facts" | "orders" | "times";
type IndexKind = "terms" | "postings" | "front" | "rest" | "beside" | "together" | "spelling" | "meaning" | BlockKind;
type Row = [key: string, value: Uint8Array, looks: Uint8Array];

/** What differs from language to language, of folded words. */
interface Language {
  stem(word: string): string;
  isStopWord(word: string): boolean;
}

interface PostingsRoot {
  documents: number;
  /** The highest id. */
  last: number;
  language: string;
  fields: [name: string, weight: number, words: number, holding: number][];
  /** Stems of which the best pictures of each two are told together, those that are worth the most first; those of
   * each three; and those of each two of which, with one of the first, it is. */
  together: { two: string[]; three: string[]; most: string[] };
  /** Stems, each with the first of its words, of which the records of all words tell that up to so many have. */
  beside: {
    stems: [stem: string, first: string][];
    upTo: number;
    /** Those of words that more have: where one of these is near one of the first is told apart, as of two of these. */
    near: string[];
    /** Those of these whose own lists tell it. */
    own: string[];
  };
  /** How many ids share a file of each kind. */
  pictures: number;
  looks: number;
  lengths: number;
  values: number;
  facts: number;
  orders: number;
  times: number;
  ending: string;
}

/** Pictures of one block by id, and which set of values each has. */
interface Facts {
  ids: number[];
  folder: { sets: string[][]; of: number[] };
  camera: { sets: string[][]; of: number[] };
}

/** Pictures of one block by id, and the numbers of each one's values. */
interface Values {
  ids: number[];
  values: string[];
  of: number[][];
}

/** In which field a term stands, how often, and how many words that field has. */
interface FieldUse {
  field: number;
  times: number;
  words: number;
}

/** A term of the directory. */
interface Term {
  key: string;
  text: string;
  /** A tag as it is written, a word as it is folded. */
  name: string;
  /** How many documents have it: up to eight one less; of more one more than twice the logarithm to base two. */
  level: number;
  /** No document has a field more often, or in fewer words, than one of these. */
  bounds: FieldUse[][];
  /** Where it has many documents, the same of those beyond its front. */
  rest: FieldUse[][] | undefined;
  /** Where its documents are few, and lie in the list of terms. */
  only: Part | undefined;
}

/** Reads numbers and texts out of bytes, one after the other; throws where they end too early. */
interface IndexBytes {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly ended: boolean;
  number(): number;
  classes(): FieldUse[][];
  take(length: number): Uint8Array;
  text(): string;
  /** A key, of which the beginning is that of the one before. */
  key(before: string): string;
}

/** Reads numbers out of bits behind bytes, the highest of each byte first. */
interface IndexBits {
  number(count: number): number;
  distance(low: number): number;
  oneOf(count: number): number;
}

/** Where the words of a stem stand in a document, by the word. */
type StemUses = Map<string, FieldUse[]>;

/** Where words of several stems stand, by stem; how near to one another, pair by pair: 4 for the next word, 0 for far. */
interface TogetherBound {
  uses: StemUses[];
  near: number[];
}

interface TogetherDocument extends TogetherBound {
  id: number;
}

/** Two words of a query that follow one another, and what it is worth where they do so in a document. */
interface PairWorth {
  a: Source;
  b: Source;
  most: number;
  /** How near they are in which documents, where that was looked up. */
  near?: Map<number, number>;
}

/** A document of which something is not known: what it may be worth at most, but for nearness, and with that. */
interface Unsure {
  id: number;
  high: number;
  near: number;
}

/** The pairs of words of one search whose nearness counts. */
interface Nearness {
  pairs: PairWorth[];
  most: number;
  readonly unread: boolean;
  mostOf(sources: Source[]): (texts: number) => number;
  of(id: number, unread: boolean): { value: number; final: boolean };
  lookUp(pair: PairWorth): Promise<void>;
}

/** What the index tells beforehand of some words of a query together. */
interface BestTogether {
  readonly sources: Source[];
  bound(low: number): Promise<number>;
  forEach(tell: (id: number, value: number, known: Known[]) => void): void;
  look(id: number): Look | undefined;
}

/** Documents of a word, ascending by id. */
interface Listed {
  count: number;
  ids: Float64Array;
  /** Each document's class. */
  codes: Uint32Array;
  classes: FieldUse[][];
  find(id: number): number;
  uses(at: number): FieldUse[];
}

/** Documents of a term, by their places in a record. */
interface Part extends Listed {
  /** Read which documents they are; nothing is found before. */
  open(): Part;
  positions(at: number): Uint32Array[];
  look(at: number): Look | undefined;
  /** Whether it does not tell how long fields are, and `complete` has not been told it. */
  lean: boolean;
  complete(lengthOf: (id: number, field: number) => number): void;
  /** The key of its row. */
  readonly key: string;
  /** Whether what it tells of very frequent stems lies apart. */
  readonly apart: boolean;
  /** Take that over of one of them, by its number. */
  tell(stem: number, told: BesideStem): void;
  /** What it tells of one of them, as far as that is read. */
  beside(stem: number, read: (told: ToldBeside) => BesideStem[]): BesideStem | undefined;
  /** How near its documents are to each of these, by document, where it tells nothing else of them. */
  nearness(stems: number): Map<number, number>[] | undefined;
}

/** Reads numbers that are told in as many bits as they surprise. */
interface RangeCode {
  bit(likely: Uint16Array, which: number): boolean;
  oneOf(count: number): number;
  bits(count: number, above: number): number;
  number(): number;
  several(likely: Uint16Array, first: number, told: number, count: number): number;
}

/** Reads, one after the other, what a lean record tells behind its documents. */
interface Lean {
  codes(count: number, classes: number): Uint32Array;
  positions(part: Listed): { begins: Uint32Array; all: Uint32Array };
  nearness(ids: Float64Array, stems: number): Map<number, number>[];
}

/** What a record tells of very frequent stems, still to be read; and the stems' words but for the first of each. */
interface ToldBeside {
  others: { stem: number; word: string }[];
  bytes: Uint8Array;
  at: number;
}

/** What a record tells of a stem: where its words stand, and how near to the record's term, by document. */
interface BesideStem {
  words: Map<string, Listed>;
  near: Map<number, number>;
}

/** A word of the query of which the records of another tell, by the number of its stem. */
interface Learning {
  source: Source;
  stem: number;
}

interface Place {
  part: Part;
  at: number;
}

/** A document by how near its meaning is. */
interface Near {
  id: number;
  similarity: number;
}

interface NearTag {
  key: string;
  name: string;
  similarity: number;
}

/** What a result shows of a picture. */
interface Look {
  /** Names its tile, beside its id: how often its content was another one before, modulo 256. */
  revision: number;
  /** The style sheet's class of its proportions. */
  form: number;
  /** 4 bits luma, 2 each of blue's and red's difference from it; 0 where it is not known. */
  colour: number;
}

/** What is said of a picture, where that is known. */
interface Shown {
  filename?: string;
  alt?: string;
}

type Via = "exact" | "phrase" | "form" | "prefix" | "typo" | "neighbour" | "meaning";

/** A term that matches a word of the query, and what is read of its postings. */
interface List {
  term: Term;
  via: Via;
  /** Of equal ways the one with the lowest number counts. */
  number: number;
  name: string;
  similarity: number;
  edits: number;
  /** Bands that are there to be read, once there are any; the next one; whether the rest is read. */
  bands: Part[][] | undefined;
  next: number;
  ended: boolean;
  /** What is read of them; what was before the rest, which holds it, too. */
  front: Part[];
  parts: Part[];
  /** Whether `parts` are all, and do not tell how long fields are. */
  lean: boolean;
  /** Whether of the rest only those parts were read where some documents may be that alone matter. */
  partial: boolean;
}

/** The best way that is known in which a document has a word. */
interface Known {
  worth: number;
  list: List;
  uses: FieldUse[];
}

/** As a Map by the documents' ids. */
interface KnownDocuments {
  readonly size: number;
  get(id: number): Known | undefined;
  has(id: number): boolean;
  set(id: number, known: Known): void;
  forEach(tell: (known: Known, id: number) => void): void;
  keys(): Iterable<number>;
  values(): Iterable<Known>;
}

/** Where a word or phrase stands, as far as that is read. */
interface Source {
  word: QueryWord;
  idf: number;
  known: KnownDocuments;
  readonly lists: List[];
  /** How many documents have the word as such or in a form. */
  bearing: number;
  /** The same, or where there are none, those of the most frequent other list. */
  reach: number;
  /** The most that what is not read may be worth. */
  readonly bound: number;
  /** The lists of the word and its forms, where there are any; else all. */
  readonly main: List[];
  /** Those of them that are not read to their ends. */
  readonly unread: List[];
  boundOf(text: boolean): number;
  /** The same to a document of this list. */
  boundBeside(list: List): number;
  /** What uses are worth before they are saturated. */
  weight(uses: FieldUse[]): number;
  open(): Promise<void>;
  /** Where documents are that may match; anywhere if it is not told. */
  where: Where | undefined;
  load(least: number, needed?: boolean): Promise<void>;
  loadAll(): Promise<void>;
  /** Read which documents have it, where what it is worth to them does not matter. */
  loadPresence(): Promise<void>;
  /** Read all but the lists of the word and its other forms. */
  loadOthers(): Promise<void>;
  /** Forget that of long lists some documents alone were read: from now on others matter, too. */
  reopen(where?: Where): void;
  /** The most that it may be worth to a document of which nothing is known. */
  readonly bounding: number;
  /** Whether of some lists it is read which documents they have, and not which of these are worth the most. */
  readonly frontless: boolean;
  /** Read which documents of such lists are worth the most. */
  loadFronts(): Promise<void>;
  /** Whether of some lists it is read which documents they have, and not how long fields are. */
  readonly lean: boolean;
  /** Whether a document was met whose lengths no other word tells. */
  readonly short: boolean;
  /** Read how long fields are, of all documents of such lists. */
  loadLengths(): Promise<void>;
  /** Documents of such lists. */
  readonly leanIds: number[];
  /** Take over how many words fields of such a document have at least. */
  lengthen(id: number, least: number[]): void;
  /** The most that it may be worth to one whose fields have so many words at least. */
  atMost(id: number, least: number[]): number;
  /** Learn what a document of such lists is worth, from lengths that other words tell; whether that is all to know. */
  settle(id: number, lengthOf: (field: number) => number | undefined): boolean;
  /** Documents of which another word's records tell whether they have this one or a form of it. */
  readonly told: Set<number>;
  /** How near to it this one is there, by the other word. */
  readonly near: Map<Source, Map<number, number>>;
  /** Let another word learn what the records of this one tell of it, those that are read and those to come. */
  teach(learning: Learning): Promise<void>;
  /** Take over what another word's record tells of this one, of these documents; `text`: nearness counts. */
  learn(from: Source, told: BesideStem, ids: Float64Array, text: boolean): void;
  look(id: number): Look | undefined;
  way(id: number): Way | undefined;
  places(id: number, tell: (field: number, positions: Uint32Array) => void): void;
}

/** The lists of terms that match a word, and what is known so far of which documents have them. */
interface Lists extends Source {
  index: Postings;
  /** Tags whose lists are not looked up yet, the nearest first. */
  tags: NearTag[];
  _add(term: Term, via: Via, more?: Partial<List>): void;
  /** Documents that have other words of its stem, too, by what others told. */
  readonly unclear: Set<number>;
  _resolve(count: number): Promise<void>;
  _kind(list: List, uses: FieldUse[]): Known;
  _readBand(list: List): Promise<void>;
  _readWhole(): Promise<void>;
}

/** One or another of two words of which it is told what has both. */
interface Either {
  readonly words: number[];
  readonly told: BestTogether;
  narrowed(id: number, state: Standing, each: Standing[]): Standing;
}

/** The words of a query that is a phrase and nothing else. */
interface Sequence {
  in(id: number): boolean | undefined;
  way(id: number): Way;
}

/** What is asked: whether a document matches, and what it is worth. */
interface Logic {
  relaxed: boolean;
  /** Whether pictures were taken in times that are asked: 0; before: -1; behind: 1. */
  readonly times: Map<QueryNode, (id: number) => number | undefined>;
  readonly timesAsked: QueryNode[];
  orders: Map<number, number> | undefined;
  readonly wordless: boolean;
  readonly canRelax: boolean;
  of(id: number): Standing;
}

/** What a search reads next. */
interface Reading {
  learn(): Promise<void>;
  spare(required: Source[], nearness: Nearness): void;
  spares(source: Source): boolean;
  spareNone(): void;
  on(required: Source[], nearness: Nearness, few: () => Promise<boolean>): Promise<void>;
}

interface QueryWord {
  typed: string;
  terms: string[];
  phrase: boolean;
  field: string;
  excluded: boolean;
  prefixes: boolean;
  forms: boolean;
  typos: boolean;
  stop: boolean;
  /** Under which tags may hold this word as a neighbour. */
  near: string[];
}

interface QueryNode {
  kind: "word" | "all" | "any" | "times";
  word: number;
  /** Not 0: of the words that stand together without a space. */
  chunk: number;
  from: number;
  before: number;
  negated: boolean;
  demanded: boolean;
  children: QueryNode[];
}

interface Query {
  words: QueryWord[];
  root: QueryNode;
  pairs: [number, number][];
}

/** What is known of whether a document matches, and of its score. */
interface Standing {
  low: number;
  high: number;
  sure: boolean;
  may: boolean;
}

interface Scored {
  id: number;
  low: number;
  high: number;
  exact: boolean;
}

/** One search, once it is opened. */
interface Search {
  readonly query: Query;
  readonly sources: Source[];
  readonly relaxed: boolean;
  readonly orders: Map<number, number> | undefined;
  /** What the answer is taken from, where the index tells it beforehand. */
  readonly shown: BestTogether | undefined;
  open(): Promise<void>;
  ways(id: number): Way[];
  best(limit: number, whole: boolean, unranked?: boolean): Promise<{ hits: Scored[]; total: number; all: boolean }>;
}

/** How a picture came to match a word of the query. */
interface Way {
  query: string;
  word: string;
  via: Via;
  similarity: number;
  score: number;
  /** Where a tag led there: all tags that would have, the nearest first. */
  tags: string[];
}

interface Ranked {
  id: number;
  score: number;
}

interface Hit extends Ranked {
  matches: Way[];
  look: (Look & Shown) | undefined;
}

type Facet = "year" | "folder" | "tag" | "camera";

/** A value that pictures must have. */
interface Filter {
  facet: Facet;
  value: string;
}

/** What an address asks for. */
interface Asked {
  name: string;
  words: string;
  sort: "best" | "newest" | "oldest";
  filters: Filter[];
}

/** How a query may go on. */
interface Completion {
  shown: string;
  /** How many have it; at least, where not `exact`. */
  documents: number;
  exact: boolean;
  query: string;
}

interface SearchOptions {
  limit?: number;
  /** By what; "none": neither what they are worth nor when they were taken matters. */
  sort?: Asked["sort"] | "none";
  filters?: Filter[];
  /** Whether nobody waits for the answer any more. */
  superseded?: () => boolean;
}

interface Found {
  hits: Hit[];
  /** How many match; where not `all` are known, at least. */
  total: number;
  all: boolean;
  relaxed: boolean;
  corrected: [typed: string, meant: string][];
}

/** Some of what is found. */
interface Page extends Found {
  /** What the names of tiles end in. */
  ending: string;
  /** Whether a file of the index could not be read. */
  damaged: boolean;
  /** Whether there may be hits behind these. */
  more: boolean;
}

/** What the page around the results gives them. */
interface PageFrame {
  site: URL;
  box: HTMLInputElement;
  form: HTMLFormElement;
  /** Brings pictures that come near. */
  near: IntersectionObserver;
  asked(): Asked;
  /** Change what the address asks for, and show that; a `step` is one in the history. */
  ask(changes: Partial<Asked>, step?: boolean): void;
}

interface ResultsView {
  show(asked: Asked): Promise<void>;
}

/** Whether documents that may match have ids from one up to another. */
type Where = (from: number, to: number) => boolean;

/** Which files of the index may hold which keys. */
interface Directory {
  covering(kind: IndexKind, first: string, last: string): Promise<string[]>;
  beginning(kind: IndexKind, text?: string): Promise<string[]>;
  holding(kind: IndexKind, keys: Iterable<string>): Promise<string[]>;
  having(kind: IndexKind, term: string, where: Where): Promise<string[]>;
}

/** An opened index: its files, and what these say of pictures one by one. */
interface Told {
  readonly documents: number;
  readonly fields: { name: string; weight: number; average: number }[];
  readonly root: PostingsRoot;
  readonly problems: Set<string>;
  /** How many words each field has, by field and id. */
  lengths(where?: Where): Promise<Uint32Array[]>;
  lengthsOf(ids: number[]): Promise<Map<number, number[]>>;
  pictures(ids: number[]): Promise<Map<number, Shown>>;
  looks(ids: number[]): Promise<Map<number, Look>>;
  facts(): Promise<Facts[]>;
  values(ids?: number[]): Promise<Values[]>;
  orders(ids?: number[]): Promise<Map<number, number>>;
  times(): Promise<{ block: number; first: number; last: number }[]>;
  byTime<T>(of: (order: number) => T): Promise<{ of: (id: number) => T | undefined; where: (value: T) => Where }>;
  missing(kind: BlockKind, ids: number[]): Promise<number>;
  readonly _directory: Directory;
  _read(name: string): Promise<Row[]>;
}

/** Which terms there are, too, and what is said of each. */
interface Postings extends Told {
  readonly language: Language;
  term(text: string, kind: "w" | "t"): Promise<Term | undefined>;
  beginningWith(text: string, kind?: "w" | "t"): Promise<Term[]>;
  wordsOf(stem: string): Promise<string[] | undefined>;
  bearing(stem: string): Promise<number>;
  count(term: Term): Promise<number>;
  atLeast(term: Term): { documents: number; exact: boolean };
  nearTags(word: string): Promise<NearTag[]>;
  meaning(word: string): Promise<Near[][]>;
  front(term: Term, where?: Where): Promise<Part[][]>;
  rest(term: Term, where?: Where): Promise<Part[]>;
  complete(parts: Part[], where?: Where): Promise<void>;
  together(stems: string[], kind: string): Promise<Row | undefined>;
  spellings(length: number, edits: number): Promise<string[]>;
  /** Read what parts of a term tell apart of a very frequent stem, by its number. */
  tellApart(parts: Part[], stem: number): Promise<void>;
  besideOf(part: Part, stem: number): BesideStem | undefined;
  near(owner: string, other: string): Promise<Map<number, number>>;
  nearTo(term: Term, stem: number): Promise<Map<number, number> | undefined>;
}

/** In a worker. */
declare function importScripts(...paths: string[]): void;

declare var Picturerail: {
  analyse(text: string): string[];
  analyseQuery(text: string): string[];
  overlap(text: string): boolean;
  regionOf(word: string, from: number, isVowel: (letter: string) => boolean): number;
  addLanguage(name: string, stem: (word: string) => string, stopWords: string): void;
  documentsOf(index: Postings): KnownDocuments;
  languageOf(name: string): Language;
  Bytes: new (bytes: Uint8Array, at?: number) => IndexBytes;
  Bits: new (bytes: Uint8Array, at: number) => IndexBits;
  Listed: new () => Listed;
  RangeDecoder: { new (bytes: Uint8Array, at: number): RangeCode; likely(zeros: number[]): Uint16Array };
  Lean: new (bytes: Uint8Array, at: number) => Lean;
  Part: new (record: Uint8Array, looks: Uint8Array, key?: string) => Part;
  wordsOf(list: Uint8Array): string[][];
  binary(bytes: Uint8Array): string;
  unpack(file: Uint8Array): Promise<Uint8Array>;
  rowsOf(body: Uint8Array): Row[];
  lookOf(looks: Uint8Array, at: number, count: number): Look;
  around(ids: number[]): Where;
  Directory: new (bytes: IndexBytes, read: (name: string) => Promise<Row[]>) => Directory;
  Told: new (root: PostingsRoot, bytes: IndexBytes, load: LoadBytes) => Told;
  Postings: { open(load: LoadBytes): Promise<Postings> };
  distance(from: string, to: string, most: number): number;
  Lists: new (index: Postings, word: QueryWord) => Lists;
  WordSource: new (index: Postings, word: QueryWord) => Lists;
  PhraseSource: new (index: Postings, word: QueryWord) => Source;
  Sequence: { new (word: QueryWord, sources: Lists[]): Sequence; of(query: Query): Query | undefined };
  Either: { open(index: Postings, root: QueryNode, sources: Lists[]): Promise<Either | undefined> };
  BestTogether: { open(index: Postings, sources: Source[], pairs: PairWorth[], how?: "all" | "row" | "either"): Promise<BestTogether | undefined> };
  Nearness: new (index: Postings, sources: Source[], pairs: [number, number][]) => Nearness;
  Logic: new (root: QueryNode, word: (word: number, id: number) => Standing) => Logic;
  Reading: new (index: Postings, sources: Source[]) => Reading;
  isText(list: List): boolean;
  placeIn(list: List, id: number): Place | undefined;
  lookIn(parts: Part[], id: number): Look | undefined;
  besideOf(told: ToldBeside, part: Part, stems: PostingsRoot["beside"]["stems"], fields: number): BesideStem[];
  besideApart(value: Uint8Array, part: Part, first: string, fields: number): BesideStem;
  nearOf(value: Uint8Array): [id: number, nearness: number][];
  withScript(name: string, what: string): typeof globalThis.Picturerail;
  idfOf(documents: number, having: number): number;
  isNearer(one: Known, than: Known | undefined): boolean;
  worth(list: List, weight: number): number;
  weightOf(index: Postings, uses: FieldUse[], only: string): number;
  Rows: {
    ratio(picture: ScrollPicture): number;
    of(pictures: ScrollPicture[], page: ScrollPage): ScrollRow[];
    bottom(rows: ScrollRow[], page: ScrollPage): number;
    guess(of: { count: number; shapes: number }, page: ScrollPage): number;
  };
  Rail: {
    make(years: number[], name: string, jump: (year: number) => void): ScrollRail;
  };
  Tiles: {
    make(picture: ScrollPicture, height: number, root: ScrollRoot, site: URL): HTMLElement;
    fetch(element: HTMLElement): void;
  };
  parse(query: string, fields: string[], language: Language): Query;
  Search: new (index: Postings, text: string, superseded: () => boolean) => Search;
  search(index: Postings, query: string, options?: SearchOptions): Promise<Found>;
  searchName(index: Postings, filename: string): Promise<Found>;
  Facets: {
    matching(index: Postings, filters: Filter[]): Promise<Set<number>>;
    of(index: Postings, text: string, options?: SearchOptions): Promise<{ total: number; counts: Record<Facet, [value: string, count: number][]> }>;
  };
  complete(index: Postings, query: string): Promise<Completion[]>;
  nearest(index: Postings, text: string, seen: Set<number>, most: number): Promise<Near[]>;
  results(page: PageFrame): ResultsView;
};

/** The scrubber: shares are of the whole page's height. */
interface ScrollRail {
  /** Show where the visitor is, and in which month. */
  move(share: number, month: string): void;
  /** Put each year where its first picture lies. */
  label(places: Map<number, number>): void;
}

/** [month, pictures, shapes in thousandths] */
type ScrollRun = [month: number, count: number, shapes: number];

interface ScrollRoot {
  version: number;
  order: "newest" | "oldest" | "name";
  ending: string;
  suffix: string;
  tile: string;
  names: string[];
  front: ScrollRun[];
  shards: [name: string, runs: ScrollRun[]][];
}

type ScrollPicture = [
  id: number,
  shape: number,
  width: number,
  height: number,
  revision: number,
  digest: string,
  wider: number,
  widerName: number,
  placeholder: string,
  alt: string,
];

/** A row of a shard: its pictures, and where it lies in the shard. */
/** Measures that the style sheet sets, in pixels. */
interface ScrollPage {
  width: number;
  row: number;
  gap: number;
}

interface ScrollRow {
  first: number;
  end: number;
  top: number;
  height: number;
}

interface ScrollShard {
  name: string;
  runs: ScrollRun[];
  count: number;
  shapes: number;
  top: number;
  height: number;
  /** When it was last in sight. */
  used: number;
  asked: boolean;
  pictures?: ScrollPicture[];
  rows?: ScrollRow[];
  element?: HTMLElement;
  /** The rows that hang, by number. */
  shown: Map<number, HTMLElement>;
}
