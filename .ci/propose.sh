#!/bin/sh
# Offer what changed in this clone as a pull request: sh .ci/propose.sh BRANCH TITLE FILE-WITH-TEXT
# Each kind of change has one branch: what nobody has merged until the next run is replaced by it.
set -eu
branch=$1 title=$2 text=$3

if git diff --quiet; then
    echo "Nothing moved: there is nothing to offer."
    exit 0
fi
git switch --quiet --force-create "$branch"
git -c user.name="github-actions[bot]" -c user.email="41898282+github-actions[bot]@users.noreply.github.com" \
    commit --quiet --all --message "$title"
git push --quiet --force origin "$branch"
if [ -n "$(gh pr list --head "$branch" --state open --json number --jq '.[].number')" ]; then
    gh pr edit "$branch" --title "$title" --body-file "$text"
else
    gh pr create --head "$branch" --title "$title" --body-file "$text"
fi
