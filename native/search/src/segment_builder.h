// Builds a segment's bytes, from the memory index or from other segments: first the documents
// and fields, then the terms in order, then vectors and tags.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dictionary.h"
#include "postings.h"
#include "segment.h"
#include "stems.h"

namespace prse {

class SegmentBuilder {
 private:
  std::vector<FieldLengths> lengths_;

 public:
  explicit SegmentBuilder(Language language) : stems_(language) {}

  struct Document {
    std::uint64_t id;
    std::int64_t order;
  };

  // In their order (document_ids.h).
  void set_documents(const std::vector<Document>& documents);
  // Fields are numbered as they come; `lengths` has the number of words of each document.
  void add_field(std::string_view name, const std::vector<std::uint32_t>& lengths);

  // `postings` takes a term's list; a term of no document is left out.
  void begin_term(std::string_view key);
  PostingsWriter postings{lengths_};
  void end_term();

  StoredValuesWriter stored;

  void set_vectors(const std::map<std::string, VectorSpace>& spaces);
  void set_neighbours(const std::map<std::string, TagNeighbours>& tags);

  std::string finish(std::uint64_t number);

 private:
  std::array<std::string, kSectionCount> sections_;
  std::uint32_t documents_ = 0;
  std::uint32_t fields_ = 0;
  std::string fields_text_;
  DictionaryWriter terms_;
  StemWriter stems_;
  std::string key_;
};

}  // namespace prse
