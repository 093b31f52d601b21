#!/bin/sh
# no_avx.sh OBJDUMP WITH WITHOUT: the first program has AVX instructions, so that they would be seen; the
# second has none.
wide() { "$1" --disassemble --no-show-raw-insn "$2" | grep --max-count=1 '%[yz]mm'; }
if [ "$(uname -m)" = x86_64 ] && [ -z "$(wide "$1" "$2")" ]; then
  echo "$2: no AVX is seen where it should be"
  exit 1
fi
found=$(wide "$1" "$3")
[ -z "$found" ] || { echo "$3: $found"; exit 1; }
