"""Addresses of the residents' pages."""

from django.urls import path

from cases.public.pages import board, places, report, track

app_name = "public"

urlpatterns = [
    path("", board.home, name="home"),
    path("large/", board.large_type, name="large"),
    path("privacy/", board.privacy, name="privacy"),
    path("report/", report.report, name="report"),
    path("report/done/", report.done, name="done"),
    path("report/photos/", report.stage_photo, name="photos"),
    path("report/near/", report.near, name="near"),
    path("report/types/", report.types, name="types"),
    path("report/code/", report.send_code, name="code"),
    path("report/appeal/", report.appeal, name="appeal"),
    path("captcha/", report.captcha_fragment, name="captcha"),
    path("captcha.png", report.captcha_picture, name="captcha-picture"),
    path("c/<str:code>/", report.at_component, name="component"),
    path("track/", track.track, name="track"),
    path("t/<str:number>/<str:secret>/", track.open_link, name="open"),
    path("mine/", track.mine, name="mine"),
    path("mine/forget/", track.forget, name="forget"),
    path("track/<str:number>/", track.case, name="case"),
    path("track/<str:number>/rate/", track.rate, name="rate"),
    path("track/<str:number>/answer/", track.answer, name="answer"),
    path("track/<str:number>/withdraw/", track.withdraw, name="withdraw"),
    path("track/<str:number>/tell/", track.tell, name="tell"),
    path("map/", places.city_map, name="map"),
    path("map/data/", places.map_data, name="map-data"),
    path("nearby/", places.nearby, name="nearby"),
    path("news/", board.news, name="news"),
    path("news/<int:pk>/", board.text, name="text"),
    path("help/", board.help_page, name="help"),
    path("suggestions/", board.suggestions, name="suggestions"),
    path("suggestions/<int:pk>/", board.suggestion, name="suggestion"),
    path("questionnaires/", board.questionnaires, name="questionnaires"),
    path("questionnaires/<int:pk>/", board.questionnaire, name="questionnaire"),
]
