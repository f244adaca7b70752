"""Makes lists/sample-supporters.csv: 500 invented people at example.org, and the rows an import has to turn away.

The same each time, on every Python: it draws on a small generator of its own. No address here can reach anybody, since
example.org is kept for examples (RFC 2606 §3). Run it from the repository: python scripts/sample_list.py
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PEOPLE = 500
FILE = Path(__file__).parent.parent / "lists" / "sample-supporters.csv"
COLUMNS = ("Email", "First name", "Last name", "Country", "Language", "status", "joined", "topics")
TOPICS = ("organ-trafficking", "forced-labour", "supply-chains", "domestic-work", "child-marriage")


class People(NamedTuple):
    """A language, the countries it is drawn from, and names."""

    language: str
    countries: str
    first: str
    last: str


GROUPS = (
    People("en", "GB GB GB US US IE AU CA NZ", "Ada Ben Chloe Daniel Ellie Fraser Grace Harry Isla Jack Kwame Niamh",
           "Adams Brown Clarke Davies Evans Foster Green Hughes O’Connor Murphy Okafor Singh"),
    People("fr", "FR FR BE CA SN", "Zoé Éloïse François Inès Jérôme Maëlys Noël Théo Aïssatou",
           "Lefèvre Gonçalves Dupré Béranger Müller-Roux N’Diaye"),
    People("de", "DE DE AT CH", "Jürgen Käthe Björn Änne Lukas Sören Mia", "Groß Schäfer Weiß Köhler Öztürk Bauer"),
    People("es", "ES MX AR CO", "Begoña José Lucía Martín Iñaki Sofía Ángel", "Muñoz Ibáñez Peña García Núñez Güemes"),
    People("pt", "PT BR BR", "João Conceição Luís Antônia Tiago", "Magalhães Simões Araújo Gonçalves"),
    People("pl", "PL", "Łukasz Żaneta Małgorzata Jędrzej", "Wiśniewska Dąbrowski Źrebiec Święch"),
    People("tr", "TR DE", "Şeyma İbrahim Çağla Ümit", "Yıldız Çelik Öğüt Şahin"),
    People("ar", "EG JO LB MA AE", "سارة محمد ليلى يوسف نور أحمد فاطمة", "الخطيب حداد منصور العلي"),
    People("he", "IL", "שירה נועם יעל אורי", "לוי כהן מזרחי פרץ"),
    People("hi", "IN IN GB", "प्रिया राहुल अनन्या अर्जुन", "शर्मा वर्मा गुप्ता पटेल"),
    People("vi", "VN US", "Nguyệt Dũng Thảo Hồng", "Nguyễn Trần Phạm Đặng"),
    People("el", "GR CY", "Ελένη Γιώργος Δήμητρα", "Παπαδόπουλος Οικονόμου"),
    People("uk", "UA PL", "Оксана Тарас Їжак", "Шевченко Коваленко"),
    People("zh", "TW SG", "美玲 建宏 怡君", "陳 林 黃"),
    People("ja", "JP", "さくら 健太 陽子", "佐藤 高橋"),
)  # fmt: skip

LONG_NAMES = (
    ("Maria-Magdalena Wilhelmina Antoinette Theodora", "von und zu Hohenlohe-Waldenburg-Schillingsfürst"),
    ("Pablo Diego José Francisco de Paula Juan Nepomuceno", "de los Remedios Cipriano de la Santísima Trinidad"),
    ("Oluwaseunfunmilayo", "Adébáyọ̀-Ọlátúnjí Babátúndé"),
    ("Hatshepsut Nefertari Merneith Sobekneferu Ankhesenamun", "Abd el-Rahman"),
    ("X", "Æ"),
)

# Rows that an import can't take, each for a reason of its own.
BROKEN = (
    ("not-an-address", "Nora", "Nowhere", "GB", "en", "", "", ""),
    ("two@at@example.org", "Tom", "Twice", "GB", "en", "", "", ""),
    ("spaces in it@example.org", "Sid", "Space", "US", "en", "", "", ""),
    ("nobody@", "Nia", "Nought", "IE", "en", "", "", ""),
    ("@example.org", "Abe", "Absent", "IE", "en", "", "", ""),
    ("dots..dots@example.org", "Dot", "Double", "US", "en", "", "", ""),
    (f"{'long' * 17}@example.org", "Lou", "Long", "AU", "en", "", "", ""),
    ("under_score@exam_ple.org", "Una", "Under", "NZ", "en", "", "", ""),
    ("", "Ed", "Empty", "GB", "en", "", "", ""),
)


class Draw:
    """A linear congruential generator (constants of C11's example `rand`): enough for names, and never different."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, limit: int) -> int:
        self.state = (self.state * 1103515245 + 12345) % 2**31
        return (self.state >> 8) % limit

    def one(self, text: str) -> str:
        words = text.split()
        return words[self.below(len(words))]


def address(first: str, last: str, number: int) -> str:
    """An ASCII address with as much of the name as ASCII can say, unique by its number."""
    plain = unicodedata.normalize("NFKD", f"{first} {last}").encode("ascii", "ignore").decode().lower()
    words = ["".join(c for c in word if c.isalnum()) for word in plain.split()]
    return ".".join([*[word for word in words if word][:2], f"{number:03d}"])[:60] + "@example.org"


def people() -> Iterator[tuple[str, ...]]:
    """The 500, and after some of them the rows that repeat them or can't be taken."""
    draw = Draw(2026)
    broken = iter(BROKEN)
    for number in range(1, PEOPLE + 1):
        group = GROUPS[draw.below(len(GROUPS))] if number % 3 else GROUPS[0]
        first, last = draw.one(group.first), draw.one(group.last)
        if number % 83 == 0:
            first, last = LONG_NAMES[number // 83 % len(LONG_NAMES)]
        email = address(first, last, number)
        if draw.below(9) == 0:
            first = ""
        if draw.below(14) == 0:
            last = ""
        status = "unsubscribed" if number % 37 == 0 else "bounced" if number % 163 == 0 else ""
        joined = f"20{20 + draw.below(6)}-{1 + draw.below(12):02d}-{1 + draw.below(28):02d}"
        topics = " ".join(topic for topic in TOPICS if draw.below(3) == 0)
        row = (email, first, last, draw.one(group.countries), group.language, status, joined, topics)
        yield row
        if number % 45 == 0:
            yield (email.upper() if number % 2 else f" {email.capitalize()} ", *row[1:])
        if number % 52 == 0:
            yield next(broken)
        if number % 90 == 0:
            yield ("",) * len(COLUMNS)


def sample() -> str:
    """The file's text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(people())
    return text.getvalue()


if __name__ == "__main__":
    FILE.write_text(sample(), encoding="utf-8")
