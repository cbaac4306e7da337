"""Addresses of the desk's pages about cases."""

from django.urls import path

from cases.pages import bulk, case, case_import, console, flows, public, register, rules, spots

urlpatterns = [
    path("", console.console, name="console"),
    path("cases/<str:number>/", case.case_page, name="case-page"),
    path("cases/<str:number>/act/<slug:action>/", case.act, name="case-act"),
    path("cases/<str:number>/split/", bulk.split, name="case-split"),
    path("bulk/", bulk.bulk_page, name="bulk"),
    path("bulk/preview/", bulk.bulk_preview, name="bulk-preview"),
    path("bulk/do/", bulk.bulk_do, name="bulk-do"),
    path("cases-import/", case_import.imports, name="case-imports"),
    path("cases-import/template/", case_import.template, name="case-import-template"),
    path("cases-import/<uuid:uuid>/", case_import.import_page, name="case-import"),
    path("cases-import/<uuid:uuid>/state/", case_import.state, name="case-import-state"),
    path("cases-import/<uuid:uuid>/refused/", case_import.refused, name="case-import-refused"),
    path("cases/<str:number>/public/", public.words, name="case-public"),
    path("console/points/", console.points, name="console-points"),
    path("console/news/", console.news, name="console-news"),
    path("console/options/<slug:name>/", console.options, name="console-options"),
    path("console/views/", console.save_view, name="console-views"),
    path("console/export/", console.export, name="console-export"),
    path("console/messages/", console.messages, name="desk-messages"),
    path("console/register/", register.register, name="console-register"),
    path("console/places/", register.places, name="console-places"),
    path("cases/<str:number>/contact/", register.contact, name="case-contact"),
    path("console/standards/", case.standards, name="console-standards"),
    path("console/component/<str:code>/", case.component_cases, name="component-cases"),
    path("flows/", flows.flows_page, name="flows"),
    path("flows/<slug:name>/<int:version>/", flows.flow_page, name="flow-page"),
    path("flows/<slug:name>/<int:version>/draft/", flows.new_draft, name="flow-draft"),
    path("flows/<slug:name>/<int:version>/definition/", flows.definition, name="flow-definition"),
    path("flows/<slug:name>/<int:version>/<slug:what>/", flows.step, name="flow-step"),
    path("flows/<slug:name>/<int:version>/parts/<slug:kind>/<slug:number>/", flows.part, name="flow-part"),
    path("spots/", spots.spots_page, name="spots"),
    path("rules/", rules.rules_page, name="rules"),
    path("rules/new/", rules.new_rule, name="rule-new"),
    path("rules/<int:pk>/end/", rules.end_rule, name="rule-end"),
]
