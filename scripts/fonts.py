"""Makes the files of mailer/fonts from their packages on PyPI: one weight each, and the letters that campaigns need.

    python -m scripts.fonts

The packages' bytes are known by their SHA-256, and the tool that cuts them by its version, so that the same files come
out. Change both together, run it, and look at the pictures of docs/images before you commit.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from mailer.fonts import FOLDER

TOOL = "fonttools==4.68.0"
WEIGHTS = {"Regular": (400, 14), "ExtraBold": (800, 32)}  # weight; optical size, of the family that has one
LATIN = "0020-007E,00A0-00FF,0152-0153,200B-2015,2018-201E,2022,2026,202F,2039-203A,20AC,2212"
MORE_LATIN = (
    "0100-024F,0259,02BB-02BC,0300-036F,1E80-1E85,1E9E,1EA0-1EF9,0370-03FF,0400-052F,2020-2021,2030,2032-2033,2044,"
    "20A6,20A9,20AA-20AC,20B9-20BA,20BD,20BF,2116,2122,2190-2193"
)
FEATURES = (
    "abvf,abvm,abvs,akhn,blwf,blwm,blws,calt,ccmp,cjct,curs,dist,fina,half,haln,init,isol,kern,liga,locl,ltra,ltrm,mark,"
    "medi,mkmk,nukt,pref,pres,psts,rclt,rkrf,rlig,rphf,rtla,rtlm,tnum,vatu"
)


@dataclass(frozen=True, slots=True)
class Source:
    """A package on PyPI, which file of it, and what is kept of that."""

    family: str
    package: str
    sha256: str  # of the wheel
    file: str
    unicodes: str
    axes: tuple[str, ...]


SOURCES = (
    Source(
        family="Inter", package="fontpkg-inter==4.1.post1",
        sha256="b1105c8b368787112e9352ba657fe4fd32feb0722cc3046a308f65962298ddf8",
        file="fontpkg_inter/files/Inter[opsz,wght].ttf", unicodes=f"{LATIN},{MORE_LATIN}", axes=("opsz",),
    ),
    Source(
        family="NotoSansArabic", package="fontpkg-noto-sans-arabic==2.12",
        sha256="eeca37a7ad6854bf1b6aa42bbce1908a6a6dcd2252ed56d021c20b613f6d16fc",
        file="fontpkg_noto_sans_arabic/files/NotoSansArabic[wdth,wght].ttf",
        unicodes=f"{LATIN},0600-06FF,0750-077F,08A0-08FF,FB50-FDFF,FE70-FEFF,061C,2066-2069", axes=("wdth",),
    ),
    Source(
        family="NotoSansDevanagari", package="fontpkg-noto-sans-devanagari==2.7",
        sha256="3f8859d4905238a95daecf45c508dff148936e5aa60bd2e30a89333041a64adf",
        file="fontpkg_noto_sans_devanagari/files/NotoSansDevanagari[wdth,wght].ttf",
        unicodes=f"{LATIN},0900-097F,A8E0-A8FF,1CD0-1CFF,25CC,20B9", axes=("wdth",),
    ),
    Source(
        family="NotoSansHebrew", package="pylopdf-fonts-he==0.1.1",
        sha256="db7dfb2dbe0eaf4f77b12133521d74195b720b70d95734bef262ce07839db222",
        file="pylopdf_fonts_he/NotoSansHebrew-Variable.ttf",
        unicodes=f"{LATIN},0590-05FF,FB1D-FB4F,25CC,20AA", axes=("wdth",),
    ),
)  # fmt: skip


def main() -> None:
    """Writes every file and its sum."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        venv.create(place / "tool", with_pip=True)
        tools = place / "tool" / "bin"
        subprocess.run([tools / "pip", "install", "--quiet", TOOL], check=True)
        for source in SOURCES:
            _make(source, place=place, tools=tools)
    files = sorted(FOLDER.glob("*.ttf"))
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (FOLDER / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")


def _make(source: Source, *, place: Path, tools: Path) -> None:
    wheels = place / source.family
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, source.package], check=True
    )
    (wheel,) = wheels.glob("*.whl")
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != source.sha256:
        sys.exit(f"{source.package} is not what it was: its SHA-256 is {found}")
    with ZipFile(wheel) as opened:
        original = Path(opened.extract(source.file, wheels))
    for name, (weight, optical) in WEIGHTS.items():
        whole = wheels / f"{name}.ttf"
        axes = [f"opsz={optical}" if axis == "opsz" else f"{axis}=100" for axis in source.axes]
        subprocess.run(
            [tools / "fonttools", "varLib.instancer", "--quiet", "--no-recalc-timestamp", original, f"wght={weight}",
             *axes, "--output", whole], check=True
        )  # fmt: skip
        subprocess.run(
            [tools / "pyftsubset", whole, f"--unicodes={source.unicodes}", f"--layout-features={FEATURES}",
             "--no-hinting", "--name-IDs=*", f"--output-file={FOLDER / f'{source.family}-{name}.ttf'}"], check=True
        )  # fmt: skip


if __name__ == "__main__":
    main()
