"""Invented people: surnames built from syllables, logon names by the hospital's charter."""

from __future__ import annotations

import random
import unicodedata

_GIVEN = (
    "Adèle", "Agnès", "Aïcha", "Alain", "Alice", "Aline", "Amélie", "Anaïs", "André", "Anne", "Antoine", "Ariane", "Arnaud", "Aurélie",
    "Basile", "Béatrice", "Benoît", "Brigitte", "Bruno", "Camille", "Carole", "Cécile", "Cédric", "Chantal", "Chloé", "Claire",
    "Clément", "Colette", "Coralie", "Damien", "Daniel", "Delphine", "Denis", "Diane", "Didier", "Edmond", "Élise", "Éloïse", "Émile",
    "Emma", "Estelle", "Étienne", "Eugénie", "Fabien", "Farida", "Fatou", "Florent", "Franck", "Frédéric", "Gaëlle", "Garance",
    "Gérald", "Gilles", "Grégoire", "Guillaume", "Hélène", "Henri", "Hugo", "Inès", "Irène", "Isabelle", "Ivan", "Jacques", "Jeanne",
    "Jérôme", "Joël", "Judith", "Jules", "Karim", "Kévin", "Laëtitia", "Laure", "Léa", "Léon", "Lilian", "Loïc", "Louise", "Lucie",
    "Ludovic", "Maëlle", "Magali", "Malik", "Marc", "Margaux", "Marion", "Mathis", "Maud", "Maxime", "Mélanie", "Mona", "Myriam",
    "Nadia", "Nathan", "Noémie", "Odile", "Olivier", "Pascal", "Paul", "Perrine", "Quentin", "Rachid", "Régine", "Rémi", "Romane",
    "Sabine", "Salomé", "Samir", "Sandrine", "Sarah", "Serge", "Solène", "Sophie", "Sylvain", "Tanguy", "Théo", "Thomas", "Ugo",
    "Valérie", "Victor", "Viviane", "Xavier", "Yann", "Yasmine", "Yves", "Zoé",
)  # fmt: skip
_FIRST = (
    "Bar", "Bel", "Blan", "Cas", "Chau", "Cor", "Dal", "Dor", "Esp", "Fal", "Gar", "Gour", "Hal", "Jal", "Kar", "Lan", "Mor", "Nor",
    "Œuv", "Pel", "Quer", "Ral", "Sar", "Sœur", "Tal", "Ur", "Val", "Ver", "Vil", "Zan",
)  # fmt: skip
_MIDDLE = ("a", "ai", "an", "e", "en", "é", "i", "in", "o", "oi", "on", "ou", "u")
_LAST = (
    "bac", "bois", "broux", "celle", "cour", "dac", "dier", "dieu", "drac", "fosse", "gnac", "gnol", "gues", "jac", "lac", "lande",
    "lieu", "llon", "mas", "mière", "nac", "nay", "nède", "pré", "quet", "rac", "ran", "rive",
    "sac", "seau", "sonne", "tac", "taigne", "tel", "thune", "toux", "tran", "tuis", "vac", "vault", "vel", "vois", "voust", "yac",
    "zac", "zel", "zou",
)  # fmt: skip


def plain(text: str) -> str:
    """Lower case, without accents nor ligatures: what a logon name accepts."""
    folded = unicodedata.normalize("NFD", text.lower().replace("œ", "oe"))
    return "".join(character for character in folded if character.isascii() and (character.isalnum() or character in "-_"))


class Names:
    """Gives names and unique logon names."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._logins: set[str] = set()
        self._entries: set[str] = set()

    def person(self) -> tuple[str, str]:
        """First name and surname; homonyms happen."""
        return self._rng.choice(_GIVEN), self.surname()

    def surname(self) -> str:
        """A surname."""
        return self._rng.choice(_FIRST) + self._rng.choice(_MIDDLE) + self._rng.choice(_LAST)

    def login(self, wanted: str) -> str:
        """`wanted` cut to the 20 characters a directory accepts, with a digit when it is taken."""
        return self._unique(wanted[:20], self._logins, 20)

    def entry(self, wanted: str, container: str) -> str:
        """A common name that is free in its container."""
        return self._unique(f"{container}/{wanted}", self._entries, 200).partition("/")[2]

    @staticmethod
    def _unique(wanted: str, taken: set[str], length: int) -> str:
        candidate, number = wanted, 1
        while candidate.lower() in taken:
            number += 1
            candidate = f"{wanted[: length - len(str(number))]}{number}"
        taken.add(candidate.lower())
        return candidate
