import pytest
from marshmallow import ValidationError, fields, validate

from app.foundation.fields import Choice, Form, Line, WholeNumber, Wire
from app.foundation.shape_words import in_words
from app.foundation.words import Message


class Inner(Wire):
    on = fields.Date()


class Body(Wire):
    name = Line(required=True, least=1, most=5)
    count = WholeNumber(least=1, most=9)
    kind = Choice(("a", "b"))
    yes = fields.Boolean()
    inner = fields.Nested(Inner)
    many = fields.List(WholeNumber(least=1), validate=validate.Length(max=2))


class AsForm(Form):
    count = WholeNumber(least=1, required=True)


def wrong(schema, **values):
    with pytest.raises(ValidationError) as refusal:
        schema.load(values)
    return refusal.value.messages


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({}, "name", "This is missing."),
        ({"name": None}, "name", "This may not be empty."),
        ({"name": ""}, "name", "This is missing, or longer than 5."),
        ({"name": "123456"}, "name", "This is missing, or longer than 5."),
        ({"name": "a\x00"}, "name", "The text holds a character that cannot be stored."),
        ({"name": "a", "count": "x"}, "count", "Write a whole number, such as 12."),
        ({"name": "a", "count": 10}, "count", "Between 1 and 9."),
        ({"name": "a", "kind": "c"}, "kind", "One of these: a, b."),
        ({"name": "a", "yes": "perhaps"}, "yes", "Answer with yes or no."),
        ({"name": "a", "stranger": 1}, "stranger", "There is no such field."),
        ({"name": "a", "many": [1, 2, 3]}, "many", "Too long: at most 2."),
    ],
)
def test_what_is_wrong_with_a_field_is_said_in_words_that_translate(values, field, sentence):
    [said] = wrong(Body(), **values)[field]
    assert isinstance(said, Message)
    assert str(said).startswith(sentence)


def test_nested_fields_and_forms_speak_the_same_way():
    said = wrong(Body(), name="a", inner={"on": "2026-02-30"})["inner"]["on"]
    assert [str(each) for each in said] == ["Write a day that exists, such as 2026-11-24."]
    assert [str(each) for each in wrong(AsForm(), count="")["count"]] == ["This is missing."]
    assert [str(each) for each in wrong(AsForm(), count="0")["count"]] == ["At least 1."]


def test_a_sentence_that_nobody_knows_stays_as_it_is():
    assert in_words("The moon is full.") == Message("The moon is full.")
