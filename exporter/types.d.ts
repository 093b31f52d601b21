// The types of the site's scripts, for `tsc`; nothing of this is shipped.

type LoadJson = (name: string) => Promise<any>;

interface PostingsRoot {
  version: number;
  documents: number;
  fields: [name: string, weight: number, averageLength: number][];
  documentsPerBlock: number;
  ordersPerBlock: number;
  files: {
    terms: [first: string, name: string][];
    stems: [first: string, name: string][];
    tags: [first: string, name: string][];
    neighbours: [first: string, name: string][];
    documents: [block: number, name: string][];
    orders: [block: number, name: string][];
  };
}

/** A term and its packed postings, by the number of the field. */
interface Term {
  term: string;
  fields: [field: number, numbers: number[]][];
}

interface NearTag {
  name: string;
  similarity: number;
  /** The words in each bearing document's field of tags. */
  lengths: Map<number, number>;
}

/** What a result shows of a picture. */
interface Shown {
  filename: string;
  path: string;
  width: number;
  height: number;
  shape: number;
  placeholder: string;
  alt: string;
}

/** The pictures that a word or phrase of the query matches. */
interface FoundWord {
  ways: Map<number, Way>;
  idf: number;
  /** Where the word and its forms stand, by form and field. */
  texts: Occurrences[][];
  phrase: boolean;
}

interface Clause {
  /** It says little, and need not be there. */
  stop: boolean;
  words: string[];
  phrase: boolean;
  /** Under which tags may hold this word as a neighbour. */
  near: string[];
}

/** Where a term stands in a field, by document. */
type Occurrences = Map<number, { length: number; positions: number[] }>;

/** How a picture came to match a word of the query. */
interface Way {
  query: string;
  word: string;
  via: "exact" | "phrase" | "form" | "prefix" | "neighbour";
  similarity: number;
  score: number;
  /** Where a tag led there: all tags that would have, the nearest first. */
  tags: string[];
}

/** A way to match a word, and how much it stands in each document, in 0..1. */
interface Candidate {
  via: Way["via"];
  word: string;
  similarity: number;
  saturated: Map<number, number>;
}

interface Hit {
  id: number;
  score: number;
  matches: Way[];
}

interface Found {
  hits: Hit[];
  relaxed: boolean;
}

interface Postings {
  readonly documents: number;
  readonly fields: PostingsRoot["fields"];
  readonly problems: Set<string>;
  beginningWith(word: string): Promise<Term[]>;
  term(word: string): Promise<Term | undefined>;
  forms(word: string): Promise<Term[]>;
  nearTags(word: string): Promise<NearTag[]>;
  shown(ids: number[]): Promise<Map<number, Shown>>;
  orders(ids: number[]): Promise<Map<number, number>>;
}

declare var Picturerail: {
  analyse(text: string): string[];
  analyseQuery(text: string): string[];
  isStopWord(word: string): boolean;
  stem(word: string): string;
  Postings: { open(load: LoadJson): Promise<Postings> };
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
  parse(query: string): Clause[];
  search(index: Postings, query: string): Promise<Found>;
  searchName(index: Postings, filename: string): Promise<Found>;
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
  names: string[];
  front: ScrollRun[];
  shards: [name: string, runs: ScrollRun[]][];
}

type ScrollPicture = [
  id: number,
  shape: number,
  width: number,
  height: number,
  digest: string,
  name: number,
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
