#include "stored_values.h"

#include <algorithm>
#include <iterator>

#include "unicode.h"

namespace prse {
namespace {

constexpr std::string_view kStoredFields[] = {"camera", "filename", "folder", "lens", "place", "tags"};

void put_letter(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c == 0 ? ' ' : c));
    return;
  }
  // Enough that they compare as their numbers do.
  for (int shift = c < 0x800 ? 6 : c < 0x10000 ? 12 : 18; shift >= 0; shift -= 6) {
    const bool first = (c < 0x800 && shift == 6) || (c >= 0x800 && c < 0x10000 && shift == 12) || shift == 18;
    const unsigned lead = c < 0x800 ? 0xC0 : c < 0x10000 ? 0xE0 : 0xF0;
    out.push_back(static_cast<char>((first ? lead : 0x80U) | ((c >> shift) & 0x3F)));
  }
}

}  // namespace

bool is_stored_field(std::string_view field) {
  return std::find(std::begin(kStoredFields), std::end(kStoredFields), field) != std::end(kStoredFields);
}

std::string stored_key(std::string_view value) {
  std::string key;
  key.reserve(2 * value.size() + 1);
  for (std::string_view rest = value; !rest.empty();) {
    const char32_t letter = take_code_point(rest);
    const Folded folded = fold(letter);
    for (std::size_t i = 0; i < folded.length; ++i) {
      put_letter(key, folded.letters[i] == kSeparator ? letter : folded.letters[i]);
    }
  }
  key.push_back('\0');
  return key.append(value);
}

std::string_view value_of_key(std::string_view key) {
  const std::size_t end = key.find('\0');
  return end == std::string_view::npos ? key : key.substr(end + 1);
}

void StoredValuesWriter::add(std::string_view field, std::uint32_t doc, std::string_view key) {
  auto found = fields_.find(field);
  if (found == fields_.end()) found = fields_.emplace(std::string(field), Field{}).first;
  Field& held = found->second;
  const auto number = static_cast<std::uint32_t>(held.numbers.size());
  held.entries.emplace_back(doc, held.numbers.emplace(std::string(key), number).first->second);
}

std::string StoredValuesWriter::finish(std::uint32_t documents) {
  std::string out;
  put_varint(out, fields_.size());
  for (auto& [name, field] : fields_) {
    std::vector<std::pair<std::string_view, std::uint32_t>> sorted(field.numbers.begin(), field.numbers.end());
    std::sort(sorted.begin(), sorted.end());
    DictionaryWriter values;
    std::vector<std::uint32_t> place_of(sorted.size());
    for (std::uint32_t place = 0; place < sorted.size(); ++place) {
      values.add(sorted[place].first, "");
      place_of[sorted[place].second] = place;
    }
    for (auto& [doc, number] : field.entries) number = place_of[number];
    std::sort(field.entries.begin(), field.entries.end());
    field.entries.erase(std::unique(field.entries.begin(), field.entries.end()), field.entries.end());
    std::vector<std::uint64_t> begins(documents + std::size_t{1});
    std::vector<std::uint64_t> places;
    for (const auto& [doc, place] : field.entries) {
      ++begins[doc + 1];
      places.push_back(place);
    }
    for (std::size_t doc = 1; doc < begins.size(); ++doc) begins[doc] += begins[doc - 1];
    put_text(out, name);
    put_text(out, values.finish());
    put_text(out, encode_column(begins));
    put_varint(out, places.size());
    put_text(out, encode_column(places));
  }
  return out;
}

StoredValues::StoredValues(std::string_view section, std::uint32_t documents, const char* where) {
  ByteReader in(section, where);
  for (std::uint64_t left = in.varint(); left > 0; --left) {
    Field field;
    field.name = in.text();
    field.values = Dictionary(in.text(), where);
    if (documents == UINT32_MAX) in.fail("there are too many documents");
    field.begins_ = PackedColumn(in.text(), documents + 1, where);
    field.count_ = in.varint32();
    field.places_ = PackedColumn(in.text(), field.count_, where);
    fields_.push_back(std::move(field));
  }
}

const StoredValues::Field* StoredValues::find(std::string_view name) const {
  const auto found = std::find_if(fields_.begin(), fields_.end(),
                                  [=](const Field& field) { return field.name == name; });
  return found == fields_.end() ? nullptr : &*found;
}

}  // namespace prse
