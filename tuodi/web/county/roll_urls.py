"""Addresses of dynamic management: what keeps the roll right after the grant."""

from __future__ import annotations

from django.urls import URLPattern, path

from tuodi.org.models import DutyCode
from tuodi.web.components.doors import open_to
from tuodi.web.county import (
    changes,
    corrections,
    deaths,
    exits,
    job_refusals,
    layers,
    moves,
    of_age,
    person_files,
    pushes,
    reviews_due,
    splits,
)

_reviews = open_to(*reviews_due.READERS)
_changes = open_to(*changes.READERS)
_counter = open_to(DutyCode.ACCEPT, DutyCode.REVIEW, DutyCode.VISIT)
_deaths = open_to(*deaths.READERS)
_jobs = open_to(*job_refusals.READERS)
_moves = open_to(*moves.READERS)
_of_age = open_to(*of_age.READERS)
_pushes = open_to(*pushes.READERS)
_classes = open_to(*layers.READERS)

urlpatterns: list[URLPattern] = [
    path("reviews-due/", _reviews(reviews_due.listing), name="reviews-due"),
    path("reviews-due/<int:pk>/", _reviews(reviews_due.show), name="review-due"),
    path("changes/", _changes(changes.listing), name="changes"),
    path("changes/<int:pk>/", _changes(changes.show), name="change"),
    path("families/<int:pk>/change/", _counter(changes.new), name="change-new"),
    path("roll-notices/", _changes(changes.roll_notices), name="roll-notices"),
    path("roll-notices/<int:pk>/", _changes(changes.roll_notice), name="roll-notice"),
    path("corrections/", open_to(*corrections.READERS)(corrections.listing), name="corrections"),
    path("corrections/<int:pk>/", open_to(*corrections.READERS)(corrections.show), name="correction"),
    path("exits/", open_to(*exits.READERS)(exits.listing), name="exits"),
    path("job-refusals/", _jobs(job_refusals.listing), name="job-refusals"),
    path("job-refusals/<int:pk>/", _jobs(job_refusals.show), name="job-offer"),
    path("families/<int:pk>/job-offer/", _counter(job_refusals.new), name="job-offer-new"),
    path("deaths/", _deaths(deaths.listing), name="deaths"),
    path("deaths/<int:pk>/", _deaths(deaths.show), name="death"),
    path("families/<int:pk>/death/", open_to(*deaths.deaths.DUTIES)(deaths.new), name="death-new"),
    path("moves/", _moves(moves.listing), name="moves"),
    path("moves/<int:pk>/", _moves(moves.show), name="move"),
    path("families/<int:pk>/move/", open_to(DutyCode.ACCEPT, DutyCode.REVIEW)(moves.new), name="move-new"),
    path("person-files/", open_to(*person_files.READERS)(person_files.listing), name="person-files"),
    path("person-files/<int:pk>/", open_to(*person_files.READERS)(person_files.show), name="person-file"),
    path("of-age/", _of_age(of_age.listing), name="of-age"),
    path("of-age/<int:pk>/", _of_age(of_age.show), name="of-age-one"),
    path("pushes/", _pushes(pushes.listing), name="pushes"),
    path("pushes/new/", open_to(*pushes.pushes.DUTIES)(pushes.new), name="push-new"),
    path("pushes/<int:pk>/", _pushes(pushes.show), name="push"),
    path("pushes/<int:pk>/list.xlsx", _pushes(pushes.file), name="push-file"),
    path("pushes/<int:pk>/<int:row>/", _pushes(pushes.family), name="push-family"),
    path("families/<int:pk>/split/", open_to(DutyCode.REVIEW)(splits.show), name="split"),
    path("classes/", _classes(layers.listing), name="classes"),
    path("classes/places/", _classes(layers.by_place), name="class-counts"),
    path("families/<int:pk>/class/", _classes(layers.show), name="class"),
]
