"""Endpoint that explains the `type` of a problem."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from app.errors import UnknownProblem
from app.responses.negotiation import choose_media_type
from app.responses.problem_pages import find_explanation, render_page
from app.schemas import PROBLEM_RESPONSE, ProblemExplanation

router = APIRouter(tags=["Problems"])

CACHE_CONTROL: Final = "public, max-age=3600"
_JSON, _HTML = "application/json", "text/html"


@router.get(
    "/problems/{code}",
    response_model=ProblemExplanation,
    responses={200: {"content": {_HTML: {}}, "description": "What the problem means"}, 404: PROBLEM_RESPONSE},
    summary="Explain a problem",
)
async def read_problem(request: Request, code: Annotated[str, Path(description="last part of the `type` of a problem")]) -> Response:
    """Return what a problem means and what can be done about it, as JSON, or as a page for a browser."""
    explanation = find_explanation(code)
    if explanation is None:
        raise UnknownProblem("no problem of this service has that type")
    headers = {"Cache-Control": CACHE_CONTROL, "Vary": "Accept"}
    if choose_media_type(request.headers.get("accept", ""), (_JSON, _HTML)) == _HTML:
        return HTMLResponse(render_page(explanation, request.scope.get("root_path", "")), headers=headers)
    return Response(explanation.model_dump_json(), media_type=_JSON, headers=headers)
