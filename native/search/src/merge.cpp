#include "merge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "segment_builder.h"

namespace prse {
namespace {

constexpr std::uint64_t kLowestTierBytes = 256U << 10;
constexpr std::uint32_t kDeadShare = 3;
constexpr std::uint32_t kDropped = UINT32_MAX;

unsigned tier(const Segment& segment) {
  unsigned tier = 0;
  for (std::uint64_t bytes = segment.file_bytes(); bytes > kLowestTierBytes; bytes /= kTierSegments) {
    ++tier;
  }
  return tier;
}

bool mostly_dead(const Liveness& liveness) {
  const auto too_many = [](const LiveSet& set) { return set.dead() * std::uint64_t{kDeadShare} > set.size(); };
  return too_many(liveness.documents) || too_many(liveness.vectors) || too_many(liveness.tags);
}

// Where the documents and fields of the inputs go.
struct Renumbering {
  std::vector<std::vector<std::uint32_t>> docs;    // by input, then document
  std::vector<std::vector<std::uint32_t>> fields;  // by input, then field
};

Renumbering add_documents(std::span<const SegmentView> inputs, SegmentBuilder& builder) {
  struct Source {
    DocumentKey key;
    std::uint32_t input;
    std::uint32_t doc;
  };
  std::vector<Source> sources;
  Renumbering renumbering;
  for (std::uint32_t input = 0; input < inputs.size(); ++input) {
    const Segment& segment = *inputs[input].segment;
    segment.verify_documents();
    segment.verify_positions();
    segment.verify_vectors();
    renumbering.docs.emplace_back(segment.documents(), kDropped);
    DocumentKey last{};
    for (std::uint32_t doc = 0; doc < segment.documents(); ++doc) {
      // Or lists under the new numbers would not ascend.
      const DocumentKey key = segment.key(doc);
      if (doc > 0 && last >= key) fail_corrupt(segment.path(), "documents are not in order");
      last = key;
      if (inputs[input].alive(doc)) sources.push_back({key, input, doc});
    }
  }
  std::sort(sources.begin(), sources.end(),
            [](const Source& a, const Source& b) { return a.key < b.key; });
  std::vector<SegmentBuilder::Document> documents;
  for (const Source& source : sources) {
    renumbering.docs[source.input][source.doc] = static_cast<std::uint32_t>(documents.size());
    documents.push_back({source.key.id, inputs[source.input].segment->order(source.doc)});
  }
  builder.set_documents(documents);
  return renumbering;
}

void add_fields(std::span<const SegmentView> inputs, std::size_t documents, SegmentBuilder& builder,
                Renumbering& renumbering) {
  std::vector<std::string_view> names;
  for (const SegmentView& view : inputs) {
    std::vector<std::uint32_t>& numbers = renumbering.fields.emplace_back();
    for (const Segment::Field& field : view.segment->fields()) {
      const auto found = std::find(names.begin(), names.end(), field.name);
      numbers.push_back(static_cast<std::uint32_t>(found - names.begin()));
      if (numbers.back() == names.size()) names.push_back(field.name);
    }
  }
  for (std::uint32_t target = 0; target < names.size(); ++target) {
    std::vector<std::uint32_t> lengths(documents);
    for (std::size_t input = 0; input < inputs.size(); ++input) {
      const auto& numbers = renumbering.fields[input];
      const auto found = std::find(numbers.begin(), numbers.end(), target);
      if (found == numbers.end()) continue;
      const auto field = static_cast<std::uint32_t>(found - numbers.begin());
      const auto& docs = renumbering.docs[input];
      for (std::uint32_t doc = 0; doc < docs.size(); ++doc) {
        if (docs[doc] != kDropped) lengths[docs[doc]] = inputs[input].segment->length(field, doc);
      }
    }
    builder.add_field(names[target], lengths);
  }
}

// Writes one document's entry of a term's list under its new numbers.
class EntryWriter {
 public:
  explicit EntryWriter(PostingsWriter& out) : out_(out) {}

  void write(PostingsCursor& cursor, std::uint32_t doc, const std::vector<std::uint32_t>& fields,
             bool with_positions) {
    positions_.clear();
    pieces_.clear();
    std::size_t begin = 0;
    for (const auto& field : cursor.fields()) {
      const std::size_t count = with_positions ? field.times : 0;
      pieces_.push_back({fields.at(field.field), field.times, begin, count});
      begin += count;
    }
    if (with_positions) cursor.positions(positions_);
    std::sort(pieces_.begin(), pieces_.end(),
              [](const Piece& a, const Piece& b) { return a.field < b.field; });
    out_.begin_document(doc);
    for (const Piece& piece : pieces_) {
      out_.add_field(piece.field, piece.times,
                     std::span(positions_).subspan(piece.begin, piece.count));
    }
  }

 private:
  struct Piece {
    std::uint32_t field;
    std::uint32_t times;
    std::size_t begin;
    std::size_t count;
  };
  PostingsWriter& out_;
  std::vector<std::uint32_t> positions_;
  std::vector<Piece> pieces_;
};

// One input's list of the current term, standing at its next living document.
struct Source {
  PostingsCursor cursor;
  const std::vector<std::uint32_t>* docs;
  const std::vector<std::uint32_t>* fields;
  std::uint32_t doc = 0;  // under its new number

  bool advance() {
    while (cursor.next()) {
      doc = docs->at(cursor.doc());
      if (doc != kDropped) return true;
    }
    return false;
  }
};

void add_terms(std::span<const SegmentView> inputs, const Renumbering& renumbering,
               SegmentBuilder& builder, const std::stop_token& stop) {
  std::vector<Dictionary::Cursor> terms;
  for (const SegmentView& view : inputs) terms.push_back(view.segment->terms().begin());
  EntryWriter entries(builder.postings);
  std::vector<Source> sources;
  while (true) {
    const std::string* least = nullptr;
    for (const auto& term : terms) {
      if (term.valid() && (least == nullptr || term.key() < *least)) least = &term.key();
    }
    if (least == nullptr) return;
    if (stop.stop_requested()) throw MergeAbandoned();
    const std::string key = *least;
    sources.clear();
    for (std::size_t i = 0; i < terms.size(); ++i) {
      if (!terms[i].valid() || terms[i].key() != key) continue;
      Source source{PostingsCursor(inputs[i].segment->postings(key, terms[i].value())),
                    &renumbering.docs[i], &renumbering.fields[i]};
      if (source.advance()) sources.push_back(std::move(source));
      terms[i].next();
    }
    builder.begin_term(key);
    while (!sources.empty()) {
      const auto next = std::min_element(sources.begin(), sources.end(),
                                         [](const Source& a, const Source& b) { return a.doc < b.doc; });
      entries.write(next->cursor, next->doc, *next->fields, key[0] == kWordKey);
      if (!next->advance()) sources.erase(next);
    }
    builder.end_term();
  }
}

void add_stored(std::span<const SegmentView> inputs, const Renumbering& renumbering,
                SegmentBuilder& builder) {
  for (std::size_t input = 0; input < inputs.size(); ++input) {
    const std::vector<std::uint32_t>& docs = renumbering.docs[input];
    for (const StoredValues::Field& field : inputs[input].segment->stored().fields()) {
      std::vector<std::string> keys;
      for (auto value = field.values.begin(); value.valid(); value.next()) keys.push_back(value.key());
      for (std::uint32_t doc = 0; doc < docs.size(); ++doc) {
        if (docs[doc] == kDropped) continue;
        field.of(doc, [&](std::uint32_t place) { builder.stored.add(field.name, docs[doc], keys[place]); });
      }
    }
  }
}

void add_vectors(std::span<const SegmentView> inputs, SegmentBuilder& builder, const std::stop_token& stop) {
  std::map<std::string, VectorSpace> spaces;
  for (const SegmentView& view : inputs) {
    if (stop.stop_requested()) throw MergeAbandoned();
    for (const StoredSpace& stored : view.segment->spaces()) {
      for (std::uint32_t row = 0; row < stored.rows; ++row) {
        if (!view.liveness->vectors.alive(stored.first_row + row)) continue;
        VectorSpace& space = spaces[std::string(stored.name)];
        space.dimension = stored.dimension;
        space.rows.emplace(stored.id(row), stored.copy(row));
      }
    }
  }
  builder.set_vectors(spaces);
}

void add_neighbours(std::span<const SegmentView> inputs, SegmentBuilder& builder) {
  std::map<std::string, TagNeighbours> tags;
  for (const SegmentView& view : inputs) {
    view.segment->neighbours().collect(view.liveness->tags, tags);
  }
  builder.set_neighbours(tags);
}

}  // namespace

std::string merge_segments(std::span<const SegmentView> inputs, std::uint64_t number, Language language,
                           const std::stop_token& stop) {
  SegmentBuilder builder(language);
  Renumbering renumbering = add_documents(inputs, builder);
  std::size_t documents = 0;
  for (const SegmentView& view : inputs) documents += view.liveness->documents.live();
  add_fields(inputs, documents, builder, renumbering);
  add_terms(inputs, renumbering, builder, stop);
  add_stored(inputs, renumbering, builder);
  add_vectors(inputs, builder, stop);
  add_neighbours(inputs, builder);
  return builder.finish(number);
}

bool carry_deaths(const Segment& input, const Liveness& before, const Liveness& now, const Segment& merged,
                  Liveness& out) {
  const std::uint32_t dead = out.documents.dead() + out.vectors.dead() + out.tags.dead();
  for (const std::uint32_t doc : now.documents.dead_records()) {
    if (!before.documents.alive(doc)) continue;
    if (const auto found = merged.find(input.id(doc))) out.documents.kill(*found);
  }
  for (const StoredSpace& space : input.spaces()) {
    const auto target = std::find_if(merged.spaces().begin(), merged.spaces().end(),
                                     [&](const StoredSpace& other) { return other.name == space.name; });
    if (target == merged.spaces().end()) continue;
    for (std::uint32_t row = 0; row < space.rows; ++row) {
      const std::uint32_t number = space.first_row + row;
      if (now.vectors.alive(number) || !before.vectors.alive(number)) continue;
      if (const auto found = target->find(space.id(row))) out.vectors.kill(target->first_row + *found);
    }
  }
  for (const std::uint32_t tag : now.tags.dead_records()) {
    if (!before.tags.alive(tag)) continue;
    const std::uint32_t found = merged.neighbours().find_tag(input.neighbours().key_of_tag(tag));
    if (found < merged.neighbours().tags()) out.tags.kill(found);
  }
  return out.documents.dead() + out.vectors.dead() + out.tags.dead() > dead;
}

std::vector<std::vector<std::size_t>> choose_merges(std::span<const SegmentView> segments) {
  std::map<unsigned, std::vector<std::size_t>> tiers;
  std::multimap<std::uint64_t, std::vector<std::size_t>> chosen;  // by the bytes that are read
  for (std::size_t i = 0; i < segments.size(); ++i) tiers[tier(*segments[i].segment)].push_back(i);
  for (const auto& [tier, members] : tiers) {
    std::uint64_t bytes = 0;
    for (const std::size_t i : members) {
      bytes += segments[i].segment->file_bytes();
      if (members.size() >= kTierSegments || !mostly_dead(*segments[i].liveness)) continue;
      chosen.emplace(segments[i].segment->file_bytes(), std::vector{i});
    }
    if (members.size() >= kTierSegments) chosen.emplace(bytes, members);
  }
  std::vector<std::vector<std::size_t>> merges;
  for (auto& [bytes, places] : chosen) merges.push_back(std::move(places));
  return merges;
}

}  // namespace prse
