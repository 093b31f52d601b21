#include "memory_index.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "analyser.h"
#include "bytes.h"
#include "segment_builder.h"

namespace prse {
namespace {

// What a document, a term or a tag takes beside its own bytes, roughly.
constexpr std::size_t kRecordBytes = 100;

// Mixes eight bytes at a time by a multiplication of 128 bits (as wyhash does).
std::uint64_t hash_of(char kind, std::string_view word) {
  std::uint64_t hash = 0x9E3779B97F4A7C15U ^ static_cast<std::uint8_t>(kind) ^ (word.size() << 8);
  const auto mix = [&](std::uint64_t bytes) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(hash ^ bytes) * 0xE7037ED1A0B428DBU;
    hash = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  for (; word.size() >= 8; word.remove_prefix(8)) mix(load<std::uint64_t>(word, 0));
  std::uint64_t rest = 0;
  std::memcpy(&rest, word.data(), word.size());
  mix(rest);
  return hash;
}

// Sorts a term's occurrences by document. They come in the order in which documents were put, which is mostly
// that of the ids: then parting them by class is all it takes.
class RunSorter {
 public:
  // Of one document and field.
  struct Run {
    std::uint32_t doc;
    std::size_t at;  // in the term's numbers
    auto operator<=>(const Run&) const = default;  // fields of a document stay in their order
  };

  // The next document's class.
  void add_document(std::uint32_t length_class) { classes_.push_back(static_cast<std::uint8_t>(length_class)); }

  void sort(std::vector<Run>& runs) {
    if (runs.size() >= kMany) part(runs);
    if (!std::is_sorted(runs.begin(), runs.end())) std::sort(runs.begin(), runs.end());
  }

 private:
  static constexpr std::size_t kMany = 64;
  static_assert(kLengthClasses <= UINT8_MAX);

  void part(std::vector<Run>& runs) {
    std::array<std::size_t, kLengthClasses + 1> begins{};
    for (const Run& run : runs) ++begins[classes_[run.doc] + 1U];
    for (std::size_t i = 1; i < begins.size(); ++i) begins[i] += begins[i - 1];
    parted_.resize(runs.size());
    for (const Run& run : runs) parted_[begins[classes_[run.doc]]++] = run;
    runs.swap(parted_);
  }

  std::vector<std::uint8_t> classes_;  // by document
  std::vector<Run> parted_;
};

}  // namespace

std::uint32_t MemoryIndex::field_number(std::string_view name) {
  const auto found = std::find(fields_.begin(), fields_.end(), name);
  const auto number = static_cast<std::uint32_t>(found - fields_.begin());
  if (number == fields_.size()) fields_.emplace_back(name);
  return number;
}

void MemoryIndex::grow_table() {
  table_.assign(std::max<std::size_t>(1024, table_.size() * 2), Entry());
  for (std::uint32_t number = 0; number < terms_.size(); ++number) {
    std::size_t at = hashes_[number] & (table_.size() - 1);
    while (table_[at].number != kNone) at = (at + 1) & (table_.size() - 1);
    table_[at] = {number, mark_of(hashes_[number])};
  }
}

std::uint32_t MemoryIndex::number_of(char kind, std::string_view word, std::uint64_t hash) {
  if ((terms_.size() + 1) * 2 > table_.size()) grow_table();
  std::size_t at = hash & (table_.size() - 1);
  for (; table_[at].number != kNone; at = (at + 1) & (table_.size() - 1)) {
    if (table_[at].mark != mark_of(hash)) continue;
    const std::string_view key = terms_[table_[at].number].key;
    if (key[0] == kind && key.substr(1) == word) return table_[at].number;
  }
  const auto number = static_cast<std::uint32_t>(terms_.size());
  table_[at] = {number, mark_of(hash)};
  bytes_ += kRecordBytes + word.size();
  hashes_.push_back(hash);
  terms_.emplace_back().key = std::string(1, kind).append(word);
  return number;
}

void MemoryIndex::begin_run(Term& term, std::uint32_t slot, std::uint32_t field, std::uint32_t times) {
  term.slot = slot;
  term.field = field;
  term.times_at = term.numbers.size() + 1;
  term.numbers.insert(term.numbers.end(), {slot, field << kTimesBits | times});
  bytes_ += 2 * sizeof(std::uint32_t);
}

void MemoryIndex::add_occurrence(Term& term, std::uint32_t slot, std::uint32_t field, std::uint32_t position) {
  if (term.slot != slot || term.field != field) begin_run(term, slot, field, 0);
  ++term.numbers[term.times_at];
  term.numbers.push_back(position);
  bytes_ += sizeof(std::uint32_t);
}

void MemoryIndex::add_whole_tag(const std::string& tag, std::uint32_t slot, std::uint32_t field) {
  Term& term = terms_[number_of(kTagKey, tag, hash_of(kTagKey, tag))];
  // The same tag may have been given twice.
  if (term.slot == slot) return;
  begin_run(term, slot, field, 1);
}

// The numbers of a value's words. Most of the time goes into waiting for memory, so it is asked for some words
// ahead: the table's place, the term, the end of its occurrences.
void MemoryIndex::find_terms(const Analysis& analysis) {
  value_hashes_.clear();
  value_numbers_.clear();
  for (const Token& token : analysis.tokens) {
    value_hashes_.push_back(hash_of(kWordKey, analysis.term(token)));
    if (!table_.empty()) __builtin_prefetch(&table_[value_hashes_.back() & (table_.size() - 1)]);
  }
  if (!table_.empty()) {
    for (const std::uint64_t hash : value_hashes_) {
      const Entry& entry = table_[hash & (table_.size() - 1)];
      if (entry.number == kNone) continue;
      const char* const term = reinterpret_cast<const char*>(&terms_[entry.number]);
      __builtin_prefetch(term);
      __builtin_prefetch(term + 64);
    }
  }
  std::size_t next = 0;
  for (const Token& token : analysis.tokens) {
    value_numbers_.push_back(number_of(kWordKey, analysis.term(token), value_hashes_[next++]));
    const std::vector<std::uint32_t>& numbers = terms_[value_numbers_.back()].numbers;
    if (!numbers.empty()) __builtin_prefetch(&numbers.back(), 1);
  }
}

void MemoryIndex::add_words(std::uint32_t slot, std::uint32_t field,
                            std::span<const FieldValue* const> values) {
  std::uint32_t words = 0;
  std::uint32_t next_position = 0;
  const bool tags = fields_[field] == kTagsField;
  std::string tag;
  for (const FieldValue* value : values) {
    const Analysis analysis = analyse(value->value);
    tag.clear();
    find_terms(analysis);
    std::size_t number = 0;
    for (const Token& token : analysis.tokens) {
      add_occurrence(terms_[value_numbers_[number++]], slot, field, next_position + token.position);
      if (!tags || token.tail) continue;
      if (!tag.empty()) tag.push_back(' ');
      tag.append(analysis.term(token));
    }
    if (!tag.empty()) add_whole_tag(tag, slot, field);
    words += static_cast<std::uint32_t>(analysis.tokens.size());
    if (!analysis.tokens.empty()) next_position += analysis.tokens.back().position + 1;
    next_position += kValueGap;
  }
  if (words > 0) documents_[slot].lengths.push_back({field, words});
}

void MemoryIndex::put(std::uint64_t id, std::int64_t order, std::span<const FieldValue> values) {
  remove(id);
  const auto slot = static_cast<std::uint32_t>(documents_.size());
  documents_.push_back({id, order, true, {}, {}});
  slots_[id] = slot;
  bytes_ += kRecordBytes;

  std::map<std::uint32_t, std::vector<const FieldValue*>> by_field;
  for (const FieldValue& value : values) by_field[field_number(value.name)].push_back(&value);
  for (const auto& [field, field_values] : by_field) {
    add_words(slot, field, field_values);
    if (!is_stored_field(fields_[field])) continue;
    for (const FieldValue* value : field_values) {
      documents_[slot].stored.push_back({field, stored_key(value->value)});
      bytes_ += documents_[slot].stored.back().key.size() + sizeof(StoredValue);
    }
  }
}

void MemoryIndex::remove(std::uint64_t id) {
  const auto found = slots_.find(id);
  if (found == slots_.end()) return;
  documents_[found->second].alive = false;
  slots_.erase(found);
}

void MemoryIndex::put_vector(std::uint64_t id, std::string_view space, StoredVector vector) {
  VectorSpace& rows = spaces_[std::string(space)];
  rows.dimension = static_cast<std::uint32_t>(vector.values.size());
  bytes_ += kRecordBytes + vector.values.size();
  rows.rows.insert_or_assign(id, std::move(vector));
}

void MemoryIndex::remove_vector(std::uint64_t id, std::string_view space) {
  const auto found = spaces_.find(std::string(space));
  if (found == spaces_.end()) return;
  found->second.rows.erase(id);
  if (found->second.rows.empty()) spaces_.erase(found);
}

void MemoryIndex::remove_vectors(std::uint64_t id) {
  for (auto& [name, space] : spaces_) space.rows.erase(id);
  std::erase_if(spaces_, [](const auto& entry) { return entry.second.rows.empty(); });
}

void MemoryIndex::put_neighbours(const std::string& key, TagNeighbours tag) {
  bytes_ += kRecordBytes * (1 + tag.words.size());
  tags_.insert_or_assign(key, std::move(tag));
}

void MemoryIndex::remove_neighbours(const std::string& key) { tags_.erase(key); }

std::uint32_t MemoryIndex::dimension(std::string_view space) const {
  const auto found = spaces_.find(std::string(space));
  return found == spaces_.end() ? 0 : found->second.dimension;
}

std::string MemoryIndex::build(std::uint64_t number, Language language) const {
  SegmentBuilder builder(language);

  std::vector<std::pair<DocumentKey, std::uint32_t>> sorted;
  sorted.reserve(slots_.size());
  for (const auto& [id, slot] : slots_) {
    std::uint64_t words = 0;
    for (const FieldLength& length : documents_[slot].lengths) words += length.words;
    sorted.push_back({{length_class(words), id}, slot});
  }
  std::sort(sorted.begin(), sorted.end());
  constexpr std::uint32_t kDead = UINT32_MAX;
  std::vector<std::uint32_t> doc_of_slot(documents_.size(), kDead);
  RunSorter sorter;
  std::vector<SegmentBuilder::Document> documents;
  std::vector<std::vector<std::uint32_t>> lengths(fields_.size(),
                                                  std::vector<std::uint32_t>(sorted.size()));
  for (const auto& [key, slot] : sorted) {
    const auto doc = static_cast<std::uint32_t>(documents.size());
    doc_of_slot[slot] = doc;
    documents.push_back({key.id, documents_[slot].order});
    sorter.add_document(key.length_class);
    for (const StoredValue& value : documents_[slot].stored) {
      builder.stored.add(fields_[value.field], doc, value.key);
    }
    for (const FieldLength& length : documents_[slot].lengths) {
      lengths[length.field][doc] = length.words;
    }
  }
  builder.set_documents(documents);
  for (std::size_t i = 0; i < fields_.size(); ++i) builder.add_field(fields_[i], lengths[i]);

  std::vector<const Term*> terms;
  terms.reserve(terms_.size());
  for (const Term& term : terms_) terms.push_back(&term);
  std::sort(terms.begin(), terms.end(), [](auto* a, auto* b) { return a->key < b->key; });

  std::vector<RunSorter::Run> runs;
  for (const Term* term : terms) {
    const bool with_positions = term->key[0] == kWordKey;
    const std::vector<std::uint32_t>& numbers = term->numbers;
    runs.clear();
    for (std::size_t at = 0; at < numbers.size(); at += 2 + (with_positions ? times_of(numbers[at + 1]) : 0)) {
      const std::uint32_t doc = doc_of_slot[numbers[at]];
      if (doc != kDead) runs.push_back({doc, at});
    }
    sorter.sort(runs);
    builder.begin_term(term->key);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (i == 0 || runs[i].doc != runs[i - 1].doc) builder.postings.begin_document(runs[i].doc);
      const std::uint32_t* run = &numbers[runs[i].at];
      const std::uint32_t times = times_of(run[1]);
      builder.postings.add_field(field_of(run[1]), times, std::span(run + 2, with_positions ? times : 0));
    }
    builder.end_term();
  }
  builder.set_vectors(spaces_);
  builder.set_neighbours(tags_);
  return builder.finish(number);
}

}  // namespace prse
