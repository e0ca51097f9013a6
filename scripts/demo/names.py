"""Invented names of people, streets and organisations, drawn from a seeded source of chance."""

from __future__ import annotations

from random import Random

_FAMILY = """
Nagy Kovács Tóth Szabó Horváth Varga Kiss Molnár Németh Farkas Balogh Papp Lakatos Takács Juhász Oláh Mészáros
Simon Rácz Fekete Szilágyi Török Fehér Balázs Gál Kis Szűcs Orsós Kocsis Fodor Pintér Szalai Sipos Magyar Lukács
Gulyás Biró Király Balog László Bogdán Jakab Katona Sándor Váradi Boros Fazekas Kelemen Antal Somogyi Fülöp
Orosz Vincze Veres Hegedűs Deák Budai Pap Bálint Pál Illés Szőke Vörös Vass Bognár Lengyel Fábián Bodnár Szücs
Hajdu
"""
FAMILY = _FAMILY.split()
_GIVEN = """
Mária Erzsébet Katalin Ilona Éva Anna Zsuzsanna Margit Julianna Judit Ágnes Ildikó Andrea Erika Krisztina Mónika
Irén Eszter Magdolna Edit Gabriella Klára Piroska Tünde Renáta Rozália Teréz Anikó Viktória Melinda Nikolett
Tímea László István József János Zoltán Sándor Gábor Ferenc Attila Péter Tamás Zsolt Tibor András Csaba Imre
Lajos György Balázs Gyula Mihály Károly Róbert Béla Dávid Dániel Ádám Krisztián Miklós Norbert Bence Máté Pál
Szabolcs Roland
"""
GIVEN = _GIVEN.split()
_STREETS = """
Petőfi Kossuth Rákóczi Dózsa Ady Táncsics Arany Széchenyi Bem Damjanich Vörösmarty Zrínyi Hunyadi Béke Szabadság
Jókai Fő Iskola Templom Malom Kert Rózsa Akác Liget Temető Vasút Új Tavasz Május Erdő
"""
STREETS = _STREETS.split()
COMPANIES = (
    "Tisza Malom",
    "Alföldi Konzerv",
    "Bükk Tejüzem",
    "Dunántúli Textil",
    "Pannon Áruház",
    "Kunsági Sütöde",
    "Zempléni Bútor",
    "Balaton Papír",
    "Mátra Vegyipar",
    "Hajdú Hűtőház",
    "Körös Cipő",
    "Göcsej Kereskedőház",
    "Sió Élelmiszer",
    "Nyírségi Gyümölcs",
    "Bakony Fa",
    "Szigetköz Logisztika",
    "Rába Háztartás",
    "Maros Fűszer",
    "Ipoly Ruházat",
    "Vértes Nagyker",
)


def person(chance: Random) -> str:
    """Return an invented full name, family name first."""
    return f"{chance.choice(FAMILY)} {chance.choice(GIVEN)}"


def street(chance: Random) -> str:
    """Return an invented street and number."""
    return f"{chance.choice(STREETS)} utca {chance.randint(1, 120)}."


def phone(chance: Random) -> str:
    """Return a number of a block that no operator gives out."""
    return f"+36 55 {chance.randint(100, 999)} {chance.randint(100, 999)}"


def plate(chance: Random, taken: set[str]) -> str:
    """Return a number plate that is not taken yet."""
    while True:
        letters = "".join(chance.choice("ABCDEFGHJKLMNPRSTUVXYZ") for _ in range(3))
        made = f"{letters}-{chance.randint(100, 999)}"
        if made not in taken:
            taken.add(made)
            return made
