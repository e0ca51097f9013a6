"""Tables of the catalogue."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.foundation.database import Base, Numbered


class BaseUnit(StrEnum):
    """What one of an item is."""

    PIECE = "piece"
    GRAM = "g"
    MILLILITRE = "ml"


class StorageClass(StrEnum):
    """What a place or a vehicle must offer to hold the item."""

    AMBIENT = "ambient"
    CHILLED = "chilled"
    FROZEN = "frozen"
    BULKY = "bulky"
    HAZARDOUS = "hazardous"


class Category(Numbered, Base):
    """A branch of the catalogue."""

    __tablename__ = "category"

    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    code: Mapped[str] = mapped_column(unique=True)
    name_hu: Mapped[str]
    name_en: Mapped[str]
    icon: Mapped[str] = mapped_column(default="package")
    position: Mapped[int] = mapped_column(default=0)


class Item(Numbered, Base):
    """A kind of thing that is given. Items in use are retired, never deleted."""

    __tablename__ = "item"
    __table_args__ = (
        CheckConstraint("weight_mg >= 0 AND volume_ul >= 0", name="weight_and_volume_not_negative"),
        CheckConstraint("shelf_life_left_days_min >= 0", name="shelf_life_not_negative"),
        Index("ix_item_name_hu_key_id", "name_hu_key", "id"),
        Index("ix_item_name_en_key_id", "name_en_key", "id"),
    )

    code: Mapped[str] = mapped_column(unique=True)
    """Short and stable: "FLOUR-BL55-1KG"."""
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"), index=True)
    name_hu: Mapped[str]
    name_en: Mapped[str]
    name_hu_key: Mapped[str]
    name_en_key: Mapped[str]
    base_unit: Mapped[str] = mapped_column(default=BaseUnit.PIECE)
    unit_name_hu: Mapped[str] = mapped_column(default="db")
    unit_name_en: Mapped[str] = mapped_column(default="pcs")
    weight_mg: Mapped[int]
    """Of one base unit, in milligrams: a base unit may be one gram or one millilitre."""
    volume_ul: Mapped[int]
    """Of one base unit, in microlitres."""
    storage_class: Mapped[str] = mapped_column(default=StorageClass.AMBIENT)
    tracks_expiry: Mapped[bool] = mapped_column(default=False)
    shelf_life_left_days_min: Mapped[int] = mapped_column(default=0)
    """Days that must be left when it is handed out."""
    value_huf: Mapped[int] = mapped_column(default=0)
    """Default value of one base unit in hundredths of a forint."""
    usual_quantity: Mapped[int] = mapped_column(default=1)
    """What a report suggests for one household."""
    given_again_after_days: Mapped[int | None]
    """Giving the same household the same kind sooner asks for a reason."""
    health_related: Mapped[bool] = mapped_column(default=False)
    """A need for it tells of health: run lists show the parcel's code only."""
    icon: Mapped[str] = mapped_column(default="package")
    retired_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    category: Mapped[Category] = relationship()
    packs: Mapped[list[Pack]] = relationship(order_by="Pack.quantity", back_populates="item")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    def name(self, language: str) -> str:
        """Return the name in a language; Hungarian where there is no other."""
        return self.name_en if language == "en" else self.name_hu


class Pack(Numbered, Base):
    """n base units under one GTIN. An unknown GTIN is learnt once, for all warehouses."""

    __tablename__ = "pack"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    gtin: Mapped[str] = mapped_column(unique=True)
    """14 digits, leading zeros kept."""
    quantity: Mapped[int]
    learnt_at: Mapped[datetime]

    item: Mapped[Item] = relationship(back_populates="packs")


class Substitute(Base):
    """``substitute`` may be given instead of ``item``; ``quantity_percent`` of the quantity asked replaces it."""

    __tablename__ = "substitute"
    __table_args__ = (CheckConstraint("item_id <> substitute_id", name="another_item"),)

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    substitute_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    quantity_percent: Mapped[int] = mapped_column(default=100)
