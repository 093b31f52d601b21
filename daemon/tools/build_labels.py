"""Builds the words of ImageNet's 1,000 classes, widened with their hypernyms, from WordNet 3.0.

    pip download --no-deps timm==1.0.31 && unzip timm-*.whl 'timm/data/_info/*'
    apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb wordnet
    python daemon/tools/build_labels.py timm/data/_info/imagenet_synsets.txt \
        wordnet/usr/share/wordnet/data.noun daemon/picturerail_daemon/meaning/data/words.bin \
        daemon/picturerail_daemon/describe/data

An ImageNet class is named by the offset of its synset in WordNet 3.0's `data.noun`; of timm's
file only this public list of 1,000 offsets is used. Ancestors too general to search for
("artifact", "whole") are left out. A synset is named by its first word, and beside it by its
most frequent one where that is more frequent: beverage, drink. How frequent a word is, is
its place in the built-in word vectors.
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path

import zstandard

# Ancestors that say nothing about a picture, by the first word of their synset.
TOO_GENERAL = frozenset(
    """
    entity, physical entity, abstraction, abstract entity, object, whole, artifact, matter,
    substance, causal agent, thing, unit, group, attribute, psychological feature, part,
    relation, measure, communication, cognition, event, act, living thing, organism, process,
    instrumentality, commodity, consumer goods, way, article, creation, product, surface,
    material, device, implement, mechanism, structure, conveyance, artifact, covering, system,
    means, social group, work, activity, chordate, vertebrate, placental, carnivore, equipment,
    machine, durables, natural object, plant part, plant organ, reproductive structure,
    representation, visual communication, signal, indicant, solid, foodstuff, nutriment,
    natural depression, depression, airfoil, applicator, horizontal surface, level, barrier,
    container, area, extent, region, location, support, restraint, framework, facility,
    instrument, appliance, structure, supporting structure, geological formation, obstruction,
    barrier, protective covering, decapod crustacean, arthropod, craniate, fundamental
    quantity, definite quantity, ware, good, state, happening, living, source, sheet, strip,
    movable barrier, self-propelled vehicle, wheeled vehicle, motor vehicle, higher vertebrate,
    amniote, invertebrate, body covering, body part, thing, external body part, device,
    gnathostome, ungulate, even-toed ungulate, odd-toed ungulate, hoofed mammal, aquatic
    vertebrate, bony fish, teleost fish, soft-finned fish, spiny-finned fish, percoid fish,
    consumer durables, electronic equipment, home appliance, mercantile establishment, place
    of business, establishment, piece of cloth, fabric, consumer goods, fastener, lock,
    plaything, game equipment, sports equipment, musical instrument equipment, passerine,
    carinate, oscine, anseriform bird, coraciiform bird, piciform bird, wading bird, aquatic
    bird, gallinaceous bird, game bird, phasianid, bovid, bovine, equine, musteline mammal,
    procyonid, viverrine, plantigrade mammal, leporid, lagomorph, gnawing mammal, anthropoid
    ape, hominid, catarrhine, great ape, lesser ape, pachyderm, proboscidean, edentate,
    diapsid, anapsid, saurian, squamate, crocodilian reptile, ophidian, chelonian, colubrid
    snake, viper family, arachnid family, cephalopod, coelenterate, cnidarian, echinoderm,
    mollusk family, gastropod, dictyopterous insect, orthopterous insect, hymenopterous
    insect, lepidopterous insect, neuropteron, odonate, homopterous insect, dipterous insect,
    herbivore, natural elevation, plumbing fixture, fixture, mechanical device, force,
    stringed instrument part, person, causal agency, tangible, electronic device,
    portable computer part, digital computer part, reading matter, publication part, fluid,
    liquid, form, shape, round shape, spermatophyte, vascular plant, angiosperm, agent, arm,
    piece, course, control, string, craft, metatherian, prototherian, white goods, housing,
    communication system, network, globule, creation, implement of war, source of illumination,
    sphenisciform seabird, cypriniform fish, beating-reed instrument, drug of abuse, drug, top
    """.replace("\n", " ").split(", ")
)


# ImageNet names the drink in a punch bowl; its photographs show the cups.
SHOWN = {"07930864": "03147509"}


def read_synsets(data_noun: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return offset → (words, offsets of the hypernyms), as wndb(5WN) describes the file."""
    synsets: dict[str, tuple[list[str], list[str]]] = {}
    for line in data_noun.read_text(encoding="ascii").splitlines():
        if line.startswith(" "):
            continue
        fields = line.partition("|")[0].split()
        count = int(fields[3], 16)
        words = [fields[4 + 2 * i].replace("_", " ") for i in range(count)]
        start = 4 + 2 * count
        pointers = [
            fields[start + 1 + 4 * i : start + 5 + 4 * i] for i in range(int(fields[start]))
        ]
        above = [offset for symbol, offset, kind, _ in pointers if symbol[0] == "@" and kind == "n"]
        synsets[fields[0]] = (words, above)
    return synsets


def read_ranks(words_bin: Path) -> dict[str, int]:
    """Return each word's place in the order of frequency."""
    body = zstandard.ZstdDecompressor().decompress(words_bin.read_bytes()[20:])
    words = body.partition(b"\0")[0].decode().split("\n")
    return {word: rank for rank, word in enumerate(words)}


def main(list_of_classes: Path, data_noun: Path, words_bin: Path, target: Path) -> None:
    """Write `imagenet.json`: for each class its words and those of its ancestors."""
    synsets = read_synsets(data_noun)
    ranks = read_ranks(words_bin)

    def names(words: list[str]) -> list[str]:
        never = len(ranks)
        common = min(words, key=lambda word: ranks.get(word, never))
        rarer = ranks.get(words[0], never)
        return [words[0], common] if ranks.get(common, never) < rarer else words[:1]

    too_general = {" ".join(word.split()) for word in TOO_GENERAL}

    @cache
    def ancestors(offset: str) -> tuple[str, ...]:
        found: list[str] = []
        for above in synsets[offset][1]:
            words = synsets[above][0]
            if words[0] not in too_general:
                found += [w for w in names(words) if w not in found and w not in too_general]
            found += [word for word in ancestors(above) if word not in found]
        return tuple(found)

    classes = []
    for name in list_of_classes.read_text().split():
        offset = SHOWN.get(name[1:], name[1:])
        words = synsets[offset][0]
        # The scientific name adds nothing that a visitor would type, and stands last.
        plain = [word for word in words if not (word[:1].isupper() and " " in word)] or words
        classes.append({"words": names(plain), "above": list(ancestors(offset))})
    text = json.dumps(classes, ensure_ascii=False, separators=(",", ":"))
    text = text.replace("},{", "},\n{")
    (target / "imagenet.json").write_text(text + "\n", encoding="utf-8")
    print(len(classes), "classes,", len(text), "bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
