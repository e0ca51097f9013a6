import pytest

from app.needs.word_check import Kind, check, kinds

TELLING = [
    ("Roma család, négy gyerekkel.", Kind.ORIGIN),
    ("A cigánysor végén laknak", Kind.ORIGIN),
    ("cigány származásúak", Kind.ORIGIN),
    ("beás anyanyelvű", Kind.LANGUAGE),
    ("zsidó az anya", Kind.ORIGIN),
    ("Az apa katolikus, az anya református", Kind.RELIGION),
    ("muszlim vallásúak, disznóhúst nem esznek", Kind.RELIGION),
    ("Jehova tanúi", Kind.RELIGION),
    ("ukrán menekült család", Kind.NATIONALITY),
    ("A románok a szomszédban", Kind.NATIONALITY),
    ("szír anya két gyerekkel", Kind.NATIONALITY),
    ("nem tud magyarul", Kind.LANGUAGE),
    ("anyanyelve lovári", Kind.LANGUAGE),
    ("az apa alkoholista", Kind.ILLNESS),
    ("a nagymama cukorbeteg", Kind.ILLNESS),
    ("epilepsziás kisfiú", Kind.ILLNESS),
    ("TAJ: 123 456 788", Kind.DOCUMENT),
    ("szig. szám 123456AB", Kind.DOCUMENT),
    ("adóazonosító 8123456789", Kind.DOCUMENT),
    ("személyi szám 2-840512-1234", Kind.DOCUMENT),
    ("They are gypsies", Kind.ORIGIN),
    ("a Syrian family", Kind.NATIONALITY),
    ("their religion is Islam", Kind.RELIGION),
    ("MENEKÜLTEK", Kind.NATIONALITY),
]
HARMLESS = [
    "Négy gyerek, a kisebbik hat hónapos.",
    "Francia ágy kellene, a régi összetört.",
    "A németjuhász kutya harap, csengetni kell.",
    "Kínai bolt mellett balra.",
    "A római úton a harmadik ház.",
    "Romos a tető, beázik.",
    "Román út 4.",
    "Cigánymeggy befőttet kérnének.",
    "A katolikus óvodába járnak a gyerekek.",
    "A református szeretetszolgálat már segített.",
    "Ortodox templom melletti utca",
    "Hívható: 30 123 4567, délután",
    "Telefon: +36 30 123 4567",
    "06 46 123 456",
    "301234567",
    "2026.11.24-ig kellene, 12 éves a nagyobbik",
    "Vallassák ki a szomszédot, ő tudja.",
    "A romantikus filmek",
    "Van kulcs a szomszédnál, a rákos levesek",
    "Az ajtót nehéz nyitni, kerekesszékkel nem lehet bemenni.",
    "Nincs fűtés, a kályha elromlott.",
    "Egyedül neveli a gyerekeket.",
    "Magyar utca 3., görög tál",
    "",
]


@pytest.mark.parametrize(("text", "kind"), TELLING)
def test_the_writer_is_warned(text, kind):
    assert kind in kinds([text])


@pytest.mark.parametrize("text", HARMLESS)
def test_everyday_words_raise_no_alarm(text):
    # "rákos" as a name of soup is the one we let pass as an alarm.
    assert [finding for finding in check(text) if finding.word != "rakos"] == []


def test_a_word_found_twice_is_told_once_and_nothing_has_nothing():
    assert len(check("Roma család, roma gyerekek")) == 1
    assert check(None) == []
