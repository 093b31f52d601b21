// Whole values of some fields, by document: what facets count, and what hits are sorted by where that
// is a name.
//
//   varint number of fields; for each: text name; text dictionary of its values (keys only); text
//   column (packed.h) of where each document's values begin, and where the last one's end; text column
//   of the values' places in the dictionary
//
// A key is the value's letters folded, then a 0, then the value as it was given; so values are sorted
// without regard to case and accents.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dictionary.h"
#include "packed.h"

namespace prse {

// Whether a field's values are kept.
bool is_stored_field(std::string_view field);

std::string stored_key(std::string_view value);
// What of a key is the value.
std::string_view value_of_key(std::string_view key);

// Gathers the section.
class StoredValuesWriter {
 public:
  // `key` is what `stored_key` made. A value given twice counts once.
  void add(std::string_view field, std::uint32_t doc, std::string_view key);
  std::string finish(std::uint32_t documents);

 private:
  struct Field {
    std::unordered_map<std::string, std::uint32_t> numbers;  // as they came
    std::vector<std::pair<std::uint32_t, std::uint32_t>> entries;  // document, number
  };
  std::map<std::string, Field, std::less<>> fields_;
};

class StoredValues {
 public:
  class Field {
   public:
    std::string_view name;
    Dictionary values;

    // How many values all documents have.
    std::uint32_t count() const { return count_; }

    // Places in `values`, ascending, of a document's: `visit(place)` for each. PRSE_CORRUPT.
    template <typename Visit>
    void of(std::uint32_t doc, Visit visit) const {
      const std::uint64_t end = begins_[doc + 1];
      for (std::uint64_t at = begins_[doc]; at < end && at < count_; ++at) {
        const std::uint64_t place = places_[static_cast<std::uint32_t>(at)];
        if (place < values.size()) visit(static_cast<std::uint32_t>(place));
      }
    }

   private:
    friend class StoredValues;
    std::uint32_t count_ = 0;
    PackedColumn begins_;
    PackedColumn places_;
  };

  StoredValues() = default;
  StoredValues(std::string_view section, std::uint32_t documents, const char* where);

  const std::vector<Field>& fields() const { return fields_; }
  // Null where no document has the field.
  const Field* find(std::string_view name) const;

 private:
  std::vector<Field> fields_;
};

}  // namespace prse
