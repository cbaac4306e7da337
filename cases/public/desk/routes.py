"""Addresses of staff's pages about the residents' pages."""

from django.urls import path

from cases.public.desk import board, pages, plates

urlpatterns = [
    path("", pages.overview, name="public-desk"),
    path("cases/<str:number>/", pages.case_box, name="public-desk-case"),
    path("cases/<str:number>/block/", pages.block_new, name="public-desk-block-new"),
    path("questions/", pages.questions, name="public-desk-questions"),
    path("blocks/", pages.blocks, name="public-desk-blocks"),
    path("blocks/<int:pk>/", pages.block, name="public-desk-block"),
    path("texts/", board.texts, name="public-desk-texts"),
    path("texts/new/", board.text, name="public-desk-text-new"),
    path("texts/<int:pk>/", board.text, name="public-desk-text"),
    path("topics/", board.topics, name="public-desk-topics"),
    path("topics/new/", board.topic, name="public-desk-topic-new"),
    path("topics/<int:pk>/", board.topic, name="public-desk-topic"),
    path("suggestions/", board.suggestions, name="public-desk-suggestions"),
    path("suggestions/<int:pk>/", board.suggestion, name="public-desk-suggestion"),
    path("questionnaires/", board.questionnaires, name="public-desk-questionnaires"),
    path("questionnaires/new/", board.questionnaire, name="public-desk-questionnaire-new"),
    path("questionnaires/<int:pk>/", board.items, name="public-desk-items"),
    path("questionnaires/<int:pk>/frame/", board.questionnaire, name="public-desk-questionnaire"),
    path("questionnaires/items/<int:pk>/delete/", board.item_delete, name="public-desk-item-delete"),
    path("plates/", plates.plates, name="plates"),
]
